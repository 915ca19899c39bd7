export type Theme = "system" | "light" | "dark";

const KEY = "relaypacs-theme";
const dark = () => matchMedia("(prefers-color-scheme: dark)");
let chosen: Theme = "system";

export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

/** Turns the page light or dark and remembers it on this device. */
export function applyTheme(theme: Theme): void {
  chosen = theme;
  const isDark = theme === "dark" || (theme === "system" && dark().matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Private mode: the choice lives as long as the tab.
  }
}

dark().addEventListener("change", () => chosen === "system" && applyTheme("system"));
