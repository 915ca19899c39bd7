import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { defineConfig } from "@playwright/test";

// Debian's Chromium against the built box and a real Orthanc; nothing on the network is played.
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

/** Whether videos can be made: by Playwright's own ffmpeg or, where that was not downloaded, by Debian's in its place. */
function films(): boolean {
  const root = dirname(createRequire(import.meta.url).resolve("playwright-core/package.json"));
  const { browsers } = JSON.parse(readFileSync(join(root, "browsers.json"), "utf8")) as { browsers: { name: string; revision: string }[] };
  const place = `ffmpeg-${browsers.find(({ name }) => name === "ffmpeg")?.revision}/ffmpeg-linux`;
  const home = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(process.env.HOME ?? "/", ".cache/ms-playwright");
  if (existsSync(join(home, place))) return true;
  if (!existsSync("/usr/bin/ffmpeg")) return false;
  const ours = join(tmpdir(), `relaypacs-playwright-${userInfo().uid}`);
  mkdirSync(dirname(join(ours, place)), { recursive: true });
  if (!existsSync(join(ours, place))) symlinkSync("/usr/bin/ffmpeg", join(ours, place));
  process.env.PLAYWRIGHT_BROWSERS_PATH = ours;
  return true;
}

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    video: films() ? "retain-on-failure" : "off",
    launchOptions: { ...(chromium ? { executablePath: chromium } : {}), args: ["--no-sandbox"] },
  },
});
