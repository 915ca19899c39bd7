const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/Firefox\//, "Firefox"],
  [/(Chrome|CriOS)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** A user agent for people: `Firefox, Windows`. What is not known stays as it is, cut; empty: it did not say. */
export function deviceName(agent: string): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1];
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  return [browser, system].filter(Boolean).join(", ") || agent.slice(0, 60);
}

export type Check = { id: string; ok: boolean };

/** What this browser can do; each is a message id under `browser.`. */
export function browserChecks(): Check[] {
  return [
    { id: "secure", ok: globalThis.isSecureContext },
    { id: "store", ok: "indexedDB" in globalThis },
    { id: "worker", ok: "Worker" in globalThis && "locks" in navigator },
    { id: "checksum", ok: Boolean(globalThis.crypto?.subtle) },
    { id: "folder", ok: "webkitdirectory" in HTMLInputElement.prototype },
    { id: "offline", ok: "serviceWorker" in navigator && navigator.serviceWorker?.controller !== null },
    { id: "sync", ok: "SyncManager" in globalThis },
    { id: "push", ok: "PushManager" in globalThis },
    { id: "badge", ok: "setAppBadge" in navigator },
  ];
}
