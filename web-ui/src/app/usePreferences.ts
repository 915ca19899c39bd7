import { useEffect } from "react";
import type { User } from "@/api/types";
import { activate } from "@/i18n/i18n";
import { isLanguage } from "@/i18n/languages";
import { applyTheme, type Theme } from "./theme";

/** The account's language and look hold wherever it signs in. */
export function usePreferences(user: User): void {
  const { language, theme, density } = user.preferences ?? {};
  useEffect(() => {
    if (isLanguage(language) && language !== document.documentElement.lang) void activate(language);
  }, [language]);
  useEffect(() => {
    if (["system", "light", "dark"].includes(theme)) applyTheme(theme as Theme);
  }, [theme]);
  useEffect(() => {
    document.documentElement.dataset.density = density ?? "comfortable";
  }, [density]);
}
