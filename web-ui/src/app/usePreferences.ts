import { useEffect } from "react";
import type { User } from "@/api/types";
import { activate } from "@/i18n/i18n";
import { isLanguage } from "@/i18n/languages";
import { chooseZone } from "@/i18n/zone";
import { applyTheme, type Theme } from "./theme";

/** The account's language, look and time zone hold wherever it signs in. */
export function usePreferences(user: User): void {
  const { language, theme, density, time_zone } = user.preferences ?? {};
  useEffect(() => {
    if (isLanguage(language) && language !== document.documentElement.lang) void activate(language);
  }, [language]);
  useEffect(() => {
    if (["system", "light", "dark"].includes(theme)) applyTheme(theme as Theme);
  }, [theme]);
  useEffect(() => chooseZone(time_zone), [time_zone]);
  useEffect(() => {
    document.documentElement.dataset.density = density ?? "comfortable";
  }, [density]);
}
