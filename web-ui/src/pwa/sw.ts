/// <reference lib="webworker" />
import { SYNC_TAG } from "@/features/upload/protocol";
import { syncUploads } from "@/features/upload/sync";
import { targetOf } from "./notices";
import { Shell, type ShellFile } from "./shell";

// The page's shell for a start without the line, background sync of uploads, and push. Answers of the API are never kept.

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: ShellFile[] };

const shell = new Shell(self.__WB_MANIFEST);

self.addEventListener("install", (event) => event.waitUntil(shell.install()));
self.addEventListener("activate", (event) => event.waitUntil(shell.activate().then(() => self.clients.claim())));

/** Addresses that are the box's own and never the page. */
const BOX = /^\/(api\/|docs|redoc|metrics|openapi\.json|ca\.crt|healthz|readyz|health$)/;

/** A language other than English is kept by the page that speaks it. */
const LANGUAGE = /^\/assets\/[a-z]{2}-/;

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || BOX.test(url.pathname)) return;
  const kept = request.mode === "navigate" ? "/index.html" : url.pathname;
  if (shell.has(kept) || LANGUAGE.test(kept)) event.respondWith(answer(kept, request));
});

async function answer(kept: string, request: Request): Promise<Response> {
  return (await shell.find(kept)) ?? (await caches.match(kept)) ?? fetch(request);
}

self.addEventListener("message", ({ data }) => {
  if (data?.type === "SKIP_WAITING") void self.skipWaiting();
});

self.addEventListener("sync", (event) => {
  const { tag, waitUntil } = event as ExtendableEvent & { tag: string };
  if (tag === SYNC_TAG) waitUntil.call(event, syncUploads());
});

/** What the box pushes: what happened, never of whom. */
type Push = Partial<{ title: string; body: string; created_at: string } & Parameters<typeof targetOf>[0]>;

self.addEventListener("push", (event) => {
  const push = readPush(event.data);
  const url = targetOf(push);
  const shown = self.registration.showNotification(push.title ?? "RelayPACS", {
    ...(push.body ? { body: push.body } : {}),
    tag: `${url} ${push.created_at ?? ""}`,
    icon: "/icons/icon-192.png",
    badge: "/icons/icon-192.png",
    data: { url },
  });
  // A push carries no count: the mark alone, until a page that is open puts the number there.
  const badge = "setAppBadge" in navigator ? navigator.setAppBadge().catch(() => undefined) : undefined;
  event.waitUntil(Promise.all([shown, badge]));
});

function readPush(data: PushMessageData | null): Push {
  try {
    return (data?.json() ?? {}) as Push;
  } catch {
    return {};
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = String((event.notification.data as { url?: string } | null)?.url ?? "/notifications");
  event.waitUntil(open(path.startsWith("/") ? path : "/notifications"));
});

async function open(path: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const shown = windows[0];
  if (!shown) {
    await self.clients.openWindow(path);
    return;
  }
  // Without a click of a person the browser keeps its windows where they are.
  await shown.focus().catch(() => undefined);
  await shown.navigate(path).catch(() => self.clients.openWindow(path));
}
