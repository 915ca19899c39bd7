import { i18n } from "@lingui/core";
import { isLanguage, LANGUAGES, type Language, preferred } from "./languages";

const KEY = "relaypacs-language";
const catalogs = import.meta.glob<{ messages: Record<string, string> }>("./locales/*.po");

/** The language chosen on this device, else the browser's. */
export function storedLanguage(): Language {
  const stored = readStored();
  return isLanguage(stored) ? stored : preferred(navigator.languages);
}

function readStored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Loads a language and turns the document to it. */
export async function activate(language: Language): Promise<void> {
  const load = catalogs[`./locales/${language}.po`];
  if (!load) throw new Error(`no catalogue for ${language}`);
  const { messages } = await load();
  i18n.loadAndActivate({ locale: language, messages });
  document.documentElement.lang = language;
  document.documentElement.dir = LANGUAGES[language].dir;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Private mode: the choice lives as long as the tab.
  }
}

export { i18n };
