import { beforeEach, expect, test, vi } from "vitest";
import { stubRequest } from "@/test/request";
import { Shell } from "./shell";

/** One cache in memory; `add` fetches. */
class MemoryCache {
  kept = new Map<string, string>();
  fetched: string[] = [];
  broken = "";
  key = (request: Request | string) => new URL(typeof request === "string" ? request : request.url, "http://box").href;
  keys = async () => [...this.kept.keys()].map((url) => ({ url }));
  match = async (key: string) => (this.kept.has(this.key(key)) ? { text: this.kept.get(this.key(key)) } : undefined);
  delete = async (key: string) => this.kept.delete(this.key(key));
  add = async (request: Request) => {
    const url = this.key(request);
    if (this.broken && url.includes(this.broken)) throw new TypeError("failed");
    this.fetched.push(new URL(url).pathname);
    this.kept.set(url, `bytes of ${url}`);
  };
}

let cache: MemoryCache;

beforeEach(() => {
  cache = new MemoryCache();
  vi.stubGlobal("caches", { open: async () => cache });
  stubRequest();
});

const first = [
  { url: "index.html", revision: "1" },
  { url: "assets/a-1.js", revision: null },
];

test("the page is kept, and an update fetches only what changed and forgets what is gone", async () => {
  const old = new Shell(first);
  await old.install();
  await old.activate();
  expect(cache.fetched.sort()).toEqual(["/assets/a-1.js", "/index.html"]);
  cache.fetched = [];
  const next = new Shell([
    { url: "index.html", revision: "2" },
    { url: "assets/a-1.js", revision: null },
    { url: "assets/b-1.js", revision: null },
  ]);
  await next.install();
  expect(cache.fetched.sort()).toEqual(["/assets/b-1.js", "/index.html"]);
  expect(await old.find("/index.html")).toEqual({ text: "bytes of http://box/index.html?v=1" });
  await next.activate();
  expect(await next.find("/index.html")).toEqual({ text: "bytes of http://box/index.html?v=2" });
  expect(await old.find("/index.html")).toBeUndefined();
  expect(next.has("/assets/b-1.js")).toBe(true);
  expect(await next.find("/elsewhere")).toBeUndefined();
});

test("an update of which one file is missing does not happen", async () => {
  cache.broken = "a-1";
  await expect(new Shell(first).install()).rejects.toThrow();
});
