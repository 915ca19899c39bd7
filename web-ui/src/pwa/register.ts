let waiting: ServiceWorker | null = null;
const listeners = new Set<() => void>();

export const updateWaits = () => waiting !== null;

export function onUpdate(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Lets the newer page take over; every tab loads it. */
export function takeUpdate(): void {
  waiting?.postMessage({ type: "SKIP_WAITING" });
}

/** Registers the service worker when the page is up and idle. Without one (an untrusted certificate) all else works. */
export function afterLoad(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 2000));
  const go = () => idle(() => void register());
  if (document.readyState === "complete") go();
  else addEventListener("load", go, { once: true });
}

async function register(): Promise<void> {
  const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/" }).catch(() => null);
  if (!registration) return;
  const had = navigator.serviceWorker.controller !== null;
  const look = (worker: ServiceWorker | null) => {
    worker?.addEventListener("statechange", () => {
      if (worker.state !== "installed" || !navigator.serviceWorker.controller) return;
      waiting = worker;
      for (const listener of listeners) listener();
    });
  };
  if (registration.waiting && had) {
    waiting = registration.waiting;
    for (const listener of listeners) listener();
  }
  registration.addEventListener("updatefound", () => look(registration.installing));
  void keepLanguage();
  navigator.serviceWorker.addEventListener("controllerchange", () => had && location.reload());
}

/** The words of the page's language, kept for a start without the line. */
async function keepLanguage(): Promise<void> {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
  const words = loaded.find((path) => path.startsWith(`/assets/${document.documentElement.lang}-`));
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("language-") && name !== `language-${words}`).map((name) => caches.delete(name)),
  );
  if (words) await (await caches.open(`language-${words}`)).add(words).catch(() => undefined);
}
