import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stubRequest } from "@/test/request";

// The service worker's own file with the parts of its world that Node lacks: caches, clients, registration.

const waited: Promise<unknown>[] = [];
const kept = new Map<string, Response>();
const shown: { title: string; options: NotificationOptions & { data: { url: string } } }[] = [];
const opened: string[] = [];
type Window = { focus: () => Promise<void>; navigate: (path: string) => Promise<void> };
let windows: Window[] = [];
let handlers: Record<string, (event: unknown) => void> = {};
const skipWaiting = vi.fn(async () => undefined);
const claim = vi.fn(async () => undefined);
const setAppBadge = vi.fn(async () => undefined);

const cache = {
  keys: async () => [...kept.keys()].map((url) => ({ url: `http://box${url}` })),
  add: async (request: { url: string }) => void kept.set(new URL(request.url).pathname + new URL(request.url).search, new Response("kept")),
  match: async (key: string) => kept.get(key),
  delete: async (key: string) => kept.delete(key),
};

beforeEach(async () => {
  waited.length = 0;
  shown.length = 0;
  opened.length = 0;
  kept.clear();
  windows = [];
  handlers = {};
  skipWaiting.mockClear();
  vi.stubGlobal("__WB_MANIFEST", [
    { url: "index.html", revision: "1" },
    { url: "assets/a-1.js", revision: null },
  ]);
  vi.stubGlobal("caches", { open: async () => cache, match: cache.match });
  vi.stubGlobal("skipWaiting", skipWaiting);
  vi.stubGlobal("clients", { claim, matchAll: async () => windows, openWindow: async (path: string) => void opened.push(path) });
  vi.stubGlobal("registration", {
    showNotification: async (title: string, options: (typeof shown)[number]["options"]) => void shown.push({ title, options }),
  });
  stubRequest();
  Object.defineProperty(navigator, "setAppBadge", { value: setAppBadge, configurable: true });
  vi.spyOn(self, "addEventListener").mockImplementation(((type: string, handler: (event: unknown) => void) => {
    handlers[type] = handler;
  }) as never);
  vi.resetModules();
  await import("./sw");
});

afterEach(() => {
  Reflect.deleteProperty(navigator, "setAppBadge");
});

async function happen(type: string, event: Record<string, unknown> = {}): Promise<void> {
  handlers[type]?.({ waitUntil: (work: Promise<unknown>) => void waited.push(work), ...event });
  await Promise.all(waited);
}

/** What is answered for a request; null: the browser asks the box. */
async function asked(path: string, change: Record<string, string> = {}): Promise<string | null> {
  let answer: Promise<Response> | null = null;
  const request = { url: `${location.origin}${path}`, method: "GET", mode: "no-cors", ...change };
  handlers.fetch?.({ request, respondWith: (made: Promise<Response>) => (answer = made) });
  const made = (await answer) as Response | null;
  return made ? made.clone().text() : null;
}

test("installing keeps the page's files; taking over takes every tab", async () => {
  await happen("install");
  expect([...kept.keys()].sort()).toEqual(["/assets/a-1.js", "/index.html?v=1"]);
  await happen("activate");
  expect(claim).toHaveBeenCalled();
});

test("pages and their files are answered from what is kept; the API and what changes never", async () => {
  await happen("install");
  expect(await asked("/studies/1.2.3", { mode: "navigate" })).toBe("kept");
  expect(await asked("/assets/a-1.js")).toBe("kept");
  kept.set("/assets/fr-77.js", new Response("mots"));
  expect(await asked("/assets/fr-77.js")).toBe("mots");
  for (const path of ["/api/v1/studies", "/healthz", "/ca.crt", "/metrics", "/docs"])
    expect(await asked(path, { mode: "navigate" })).toBeNull();
  expect(await asked("/assets/a-1.js", { method: "POST" })).toBeNull();
  expect(await asked("/elsewhere.png")).toBeNull();
});

test("what was to be kept and is gone is asked of the box", async () => {
  vi.stubGlobal("fetch", async () => new Response("from the box"));
  expect(await asked("/assets/a-1.js")).toBe("from the box");
});

test("it takes over only when the page says so", async () => {
  handlers.message?.({ data: { type: "else" } });
  handlers.message?.({ data: null });
  expect(skipWaiting).not.toHaveBeenCalled();
  handlers.message?.({ data: { type: "SKIP_WAITING" } });
  expect(skipWaiting).toHaveBeenCalledTimes(1);
});

test("background sync goes on with uploads, and only for its own tag", async () => {
  await happen("sync", { tag: "other" });
  expect(waited).toHaveLength(0);
  await happen("sync", { tag: "relaypacs-upload" });
  expect(waited).toHaveLength(1);
});

const data = (value: unknown) => ({ data: { json: () => value } });

test("a push is shown by its title, leads to its object, and marks the app", async () => {
  await happen("push", data({ title: "Report ready", body: "A report is ready.", related_report_id: "r9", created_at: "t" }));
  expect(shown[0]?.title).toBe("Report ready");
  expect(shown[0]?.options).toMatchObject({ body: "A report is ready.", tag: "/reports/r9 t", data: { url: "/reports/r9" } });
  expect(setAppBadge).toHaveBeenCalledWith();
});

test("a push that cannot be read is still shown, as the browser demands", async () => {
  await happen("push", {
    data: {
      json: () => {
        throw new SyntaxError("no JSON");
      },
    },
  });
  await happen("push", { data: null });
  expect(shown.map(({ title, options }) => [title, options.data.url])).toEqual([
    ["RelayPACS", "/notifications"],
    ["RelayPACS", "/notifications"],
  ]);
});

const click = (url?: unknown) => ({ notification: { close: vi.fn(), data: url === undefined ? null : { url } } });

test("a click opens its page: in the window that is there, else in a new one; never somewhere else", async () => {
  await happen("notificationclick", click("/reports/r9"));
  expect(opened).toEqual(["/reports/r9"]);
  const went: string[] = [];
  windows = [{ focus: async () => Promise.reject(new Error("no click")), navigate: async (path) => void went.push(path) }];
  await happen("notificationclick", click("/studies/1"));
  expect(went).toEqual(["/studies/1"]);
  await happen("notificationclick", click("https://elsewhere.example/"));
  await happen("notificationclick", click());
  expect(went.slice(1)).toEqual(["/notifications", "/notifications"]);
  windows = [{ focus: async () => undefined, navigate: async () => Promise.reject(new Error("not mine")) }];
  await happen("notificationclick", click("/settings"));
  expect(opened).toEqual(["/reports/r9", "/settings"]);
});
