import { useLingui } from "@lingui/react";
import { activate } from "@/i18n/i18n";
import { isLanguage, LANGUAGES } from "@/i18n/languages";
import { useT } from "@/i18n/useT";

export function LanguageChoice() {
  const t = useT();
  const { i18n } = useLingui();
  return (
    <label className="flex items-center justify-center gap-2 text-sm text-muted">
      {t("login.language")}
      <select
        className="control w-auto"
        value={i18n.locale}
        onChange={({ target }) => isLanguage(target.value) && void activate(target.value)}
      >
        {Object.entries(LANGUAGES).map(([code, { name }]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
