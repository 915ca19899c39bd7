type InstallEvent = Event & { prompt(): Promise<{ outcome: "accepted" | "dismissed" }> };

const REFUSALS_KEY = "relaypacs-install-refused";
const ENOUGH = 3;

let offer: InstallEvent | null = null;
const listeners = new Set<() => void>();
const tell = () => {
  for (const listener of listeners) listener();
};

/** The browser says when it can; it is kept for a click. */
export function listenForInstall(): void {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event as InstallEvent;
    tell();
  });
  addEventListener("appinstalled", () => {
    offer = null;
    tell();
  });
}

export const canInstall = () => offer !== null;
export const isInstalled = () => matchMedia("(display-mode: standalone)").matches;

export function onInstall(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function refusals(): number {
  try {
    return Number(localStorage.getItem(REFUSALS_KEY) ?? 0);
  } catch {
    return ENOUGH;
  }
}

/** Whether a hint may be shown: it can be installed, and people did not say no three times. */
export const mayHint = () => canInstall() && !isInstalled() && refusals() < ENOUGH;

export function refuse(): void {
  try {
    localStorage.setItem(REFUSALS_KEY, String(refusals() + 1));
  } catch {
    // Private mode: nobody is asked there anyway.
  }
  tell();
}

export async function install(): Promise<void> {
  const asked = offer;
  if (!asked) return;
  const { outcome } = await asked.prompt();
  offer = null;
  if (outcome === "dismissed") refuse();
  tell();
}
