/** The languages of the page. One more is a `.po` file, a line here and its code in `lingui.config.ts`. */
export const LANGUAGES = {
  en: { name: "English", dir: "ltr" },
  fr: { name: "Français", dir: "ltr" },
  ar: { name: "العربية", dir: "rtl" },
} as const;

export type Language = keyof typeof LANGUAGES;

export function isLanguage(value: unknown): value is Language {
  return typeof value === "string" && Object.hasOwn(LANGUAGES, value);
}

/** The first language of the browser's list that there is; English otherwise. */
export function preferred(languages: readonly string[]): Language {
  for (const tag of languages) {
    const base = tag.split("-")[0]?.toLowerCase();
    if (isLanguage(base)) return base;
  }
  return "en";
}
