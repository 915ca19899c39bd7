import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

// Who may know whom: `i18n, store ← api ← ui, pwa ← features ← app`; no feature knows another. What is shared by two goes down.

const ROOMS: Record<string, string[]> = {
  i18n: ["i18n"],
  store: ["store"],
  api: ["api", "store", "i18n"],
  ui: ["ui", "api", "i18n", "store"],
  pwa: ["pwa", "api", "store", "i18n", "features/upload"],
  features: ["api", "ui", "i18n", "store", "pwa"],
  app: ["app", "features", "api", "ui", "i18n", "store", "pwa"],
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.tsx?$/.test(name) && !/\.test\.|^test\//.test(name) && name.includes("/"),
);

test.each(files)("%s knows only what it may", (name) => {
  const room = name.split("/")[0] as string;
  const feature = room === "features" ? name.split("/").slice(0, 2).join("/") : null;
  const allowed = [...(ROOMS[room] ?? []), ...(feature ? [feature] : [])];
  const imports = [...readFileSync(join("src", name), "utf8").matchAll(/from "@\/([^"]+)"|import\("@\/([^"]+)"\)/g)].map(
    ([, a, b]) => (a ?? b) as string,
  );
  const wrong = imports.filter((path) => !allowed.some((one) => path === one || path.startsWith(`${one}/`)));
  expect(wrong).toEqual([]);
});

test("no file of the page is long", () => {
  const long = files.filter((name) => name !== "api/schema.d.ts" && readFileSync(join("src", name), "utf8").split("\n").length > 450);
  expect(long).toEqual([]);
});
