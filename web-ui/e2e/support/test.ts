import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";
import { type Account, Box } from "./box";
import type { Line } from "./line";
import { Orthanc } from "./orthanc";

export type Stack = {
  box: Box;
  orthanc: Orthanc;
  folder: string;
  admin: Account;
  clinician: Account;
  radiographer: Account;
  radiologist: Account;
};

type Fixtures = { watch: undefined };

/** One box with an Orthanc behind it and an account of each role for all tests of a worker. */
export const test = base.extend<Fixtures, { stack: Stack }>({
  stack: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-"));
      const orthanc = await Orthanc.start(join(folder, "orthanc"));
      const box = await Box.start(join(folder, "box"), orthanc.url);
      const admin = await box.admin();
      const [clinician, radiographer, radiologist] = await Promise.all([
        box.invite(admin, "clinician", "clara"),
        box.invite(admin, "radiographer", "ravi"),
        box.invite(admin, "radiologist", "rosa"),
      ]);
      await use({ box, orthanc, folder, admin, clinician, radiographer, radiologist });
      await box.off();
      await orthanc.off();
      rmSync(folder, { recursive: true, force: true });
    },
    { scope: "worker", timeout: 180_000 },
  ],
  // A violation of the content security policy, or an error that nobody caught, fails the test it happens in.
  watch: [
    async ({ page }, use) => {
      const seen: string[] = [];
      page.on("console", (message) => {
        if (/Content Security Policy/i.test(message.text())) seen.push(message.text());
      });
      page.on("pageerror", (error) => seen.push(String(error)));
      await use(undefined);
      expect(seen).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Signs in as a person would. */
export async function signIn(page: Page, stack: { box: { url: string } }, account: Account, path = "/"): Promise<void> {
  await page.goto(`${stack.box.url}${path}`);
  await page.locator("#username").fill(account.username);
  await page.locator("#password").fill(account.password);
  await page.getByTestId("login-button").click();
  await expect(page.getByTitle("Logout")).toBeVisible();
}

/** Fills in what no file says and sends. */
export async function confirm(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { name: "Confirm Metadata" })).toBeVisible();
  await page.getByLabel("Clinical History *").fill("Cough for two weeks");
  await page.getByTestId("confirm-upload-button").click();
}

/** Until what was chosen is in the browser's store: from then on it survives the tab. */
export const copied = (page: Page) => expect(page.getByText("You may eject the CD.")).toBeVisible();

/** Chooses files on the start page. */
export const choose = (page: Page, files: string[]) => page.locator('input[type="file"]').setInputFiles(files);

/** Signs in through a line and sends files at 600 kB/s, until the first of them have arrived. */
export async function sendSlowly(page: Page, line: Line, account: Account, files: string[]): Promise<void> {
  await signIn(page, { box: line }, account);
  await choose(page, files);
  line.rate = 600_000;
  await confirm(page);
  await expect(page.getByText(/^[1-9]\d?% Synchronized/)).toBeVisible({ timeout: 60_000 });
}
