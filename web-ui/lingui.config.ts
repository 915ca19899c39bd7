import type { LinguiConfig } from "@lingui/conf";

// One language is one file: add its code here, its .po beside the others and its name in src/i18n/languages.ts.
const config: LinguiConfig = {
  sourceLocale: "en",
  locales: ["en", "fr", "ar"],
  catalogs: [{ path: "src/i18n/locales/{locale}", include: ["src"] }],
  format: "po",
};

export default config;
