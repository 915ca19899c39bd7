import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { Box } from "./support/box";
import { writeCt } from "./support/ct";
import { run } from "./support/process";
import { choose, confirm, expect, signIn, test } from "./support/test";

/** A home folder whose browsers trust a box: its CA installed as the page tells people to. */
async function trusting(folder: string, box: Box): Promise<string> {
  const home = join(folder, "home");
  const store = join(home, ".pki/nssdb");
  const ca = join(folder, "ca.crt");
  mkdirSync(store, { recursive: true });
  writeFileSync(ca, Buffer.from(await (await fetch(`${box.url}/ca.crt`)).arrayBuffer()));
  await run("certutil", ["-d", `sql:${store}`, "-N", "--empty-password"]);
  await run("certutil", ["-d", `sql:${store}`, "-A", "-n", "box", "-t", "C,,", "-a", "-i", ca]);
  return home;
}

test("by HTTPS: refused until the box's CA is installed, then trusted, HTTP/2, kept for a start without the line", async ({
  browser,
  launchOptions,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-https-"));
  const box = await Box.start(folder, null, "", true);
  const home = await trusting(folder, box);
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    ...launchOptions,
    env: { ...(process.env as Record<string, string>), HOME: home },
  });
  try {
    const admin = await box.admin();
    const stranger = await browser.newPage();
    await expect(stranger.goto(box.secureUrl)).rejects.toThrow("ERR_CERT_AUTHORITY_INVALID");
    await stranger.close();

    const page = await context.newPage();
    const answer = await page.goto(box.secureUrl);
    expect((await answer?.securityDetails())?.issuer).toContain("RelayPACS");
    await signIn(page, { box: { url: box.secureUrl } }, admin);
    const protocols = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
        (entry) => (entry as PerformanceResourceTiming).nextHopProtocol,
      ),
    );
    expect(new Set(protocols.filter(Boolean))).toEqual(new Set(["h2"]));
    await choose(page, writeCt(folder, { images: 2 }).files);
    await confirm(page);
    await expect(page.getByTestId("upload-success-message")).toBeVisible();

    await page.goto(`${box.secureUrl}/admin/system`);
    const { body } = await box.api("GET", "/system/certificate", (await box.signedIn(admin)).token);
    const digits = ((await page.getByTestId("fingerprint").textContent()) ?? "").replaceAll(" ", "");
    expect(digits.toLowerCase()).toBe(body.sha256);

    await expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state)).toBe("activated");
    await box.off();
    await page.goto(`${box.secureUrl}/studies`);
    await expect(page.getByRole("heading", { name: "Studies" })).toBeVisible();
    await expect(page.getByLabel("System Offline")).toBeVisible({ timeout: 60_000 });
  } finally {
    await context.close();
    await box.off();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("by HTTPS with a certificate nobody vouches for: all but what needs a service worker", async ({ browser }) => {
  const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-https-"));
  const box = await Box.start(folder, null, "", true);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const admin = await box.admin();
    const page = await context.newPage();
    await signIn(page, { box: { url: box.secureUrl } }, admin);
    await choose(page, writeCt(folder, { images: 1 }).files);
    await confirm(page);
    await expect(page.getByTestId("upload-success-message")).toBeVisible();
    await page.goto(`${box.secureUrl}/settings`);
    await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  } finally {
    await context.close();
    await box.off();
    rmSync(folder, { recursive: true, force: true });
  }
});
