import { useSyncExternalStore } from "react";

let chosen: string | undefined;
const listeners = new Set<() => void>();

/** Every time zone that the browser knows, by its IANA name. */
export const timeZones = (): string[] => ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];

/** Shows moments in this zone from now on; null, or a name that the browser does not know: in the device's own. */
export function chooseZone(name: string | null | undefined): void {
  const known = name && isZone(name) ? name : undefined;
  if (known === chosen) return;
  chosen = known;
  for (const listener of listeners) listener();
}

function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The zone that was chosen; undefined: the device's. */
export const useZone = (): string | undefined => useSyncExternalStore(subscribe, () => chosen);
