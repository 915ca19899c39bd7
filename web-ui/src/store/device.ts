const KEY = "relaypacs-request-mib";

/** The largest request of an upload from this device, in MiB (1–16); slow lines want small ones. */
export function readRequestMib(): number {
  try {
    const value = Number(localStorage.getItem(KEY));
    return value >= 1 && value <= 16 ? value : 16;
  } catch {
    return 16;
  }
}

export function saveRequestMib(mib: number): void {
  try {
    localStorage.setItem(KEY, String(mib));
  } catch {
    // Private mode: the default holds.
  }
}
