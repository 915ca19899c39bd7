import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { Box } from "./support/box";
import { writeCt } from "./support/ct";
import { choose, expect, signIn, test } from "./support/test";

// Hundreds of looks at pages: what is recorded of each would take longer than the looks.
test.use({ trace: "off", video: "off" });

const PAGES = [
  "/",
  "/upload-new",
  "/studies",
  "/dashboard",
  "/reports",
  "/notifications",
  "/settings",
  "/admin/users",
  "/admin/destinations",
  "/admin/modalities",
  "/admin/audit",
  "/admin/system",
];

/** What is wrong with the page that is open, in both themes, at 320 and 1,280 px. */
async function faults(page: Page, path: string): Promise<string[]> {
  await page.locator("h1").first().waitFor();
  await expect(page.locator(".animate-pulse")).toHaveCount(0);
  const found: string[] = [];
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) found.push(`${path} ${width}: ${over} px too wide`);
    for (const theme of ["light", "dark"]) {
      await page.evaluate((now) => {
        document.documentElement.dataset.theme = now;
        for (const animation of document.getAnimations()) animation.finish();
      }, theme);
      // Only colours differ between the themes.
      const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] });
      const { violations } = await (theme === "light" ? axe : axe.withRules(["color-contrast", "link-in-text-block"])).analyze();
      for (const { id, nodes } of violations) found.push(`${path} ${width} ${theme}: ${id} ${nodes[0]?.html.slice(0, 160)}`);
    }
  }
  return found;
}

for (const language of ["en", "ar"] as const)
  test(`no accessibility violation, no sideways scroll on any page: ${language}, both themes, 320 and 1280 px`, async ({ page, stack }) => {
    test.setTimeout(600_000);
    const user = await stack.box.invite(await stack.box.signedIn(stack.admin), "admin", `axe-${language}`);
    const { body } = await stack.box.api("GET", "/auth/me", user.token);
    await stack.box.api("PATCH", "/auth/me", user.token, { preferences: { ...(body.preferences as object), language } });
    const ct = writeCt(stack.folder, { images: 2 });
    await signIn(page, stack, user).catch(() => undefined);
    await page.locator("main").waitFor();
    await choose(page, ct.files);
    const history = page.locator("#clinicalHistory");
    await history.fill("x");
    const found = await faults(page, "/metadata");
    await page.getByTestId("confirm-upload-button").click();
    await expect(page.getByTestId("upload-success-message")).toBeVisible();
    found.push(...(await faults(page, "/progress")));
    const receipt = (await page.getByTestId("receipt-link").getAttribute("href")) ?? "";
    const { body: reports } = await stack.box.api("GET", "/reports", user.token);
    const report = (reports.reports as { id: string }[])[0]?.id;
    for (const path of [...PAGES, `/studies/${ct.studyUid}`, `/reports/${report}`, receipt]) {
      await page.goto(`${stack.box.url}${path}`);
      found.push(...(await faults(page, path)));
    }
    expect(found).toEqual([]);
  });

for (const locale of ["en", "ar"] as const)
  test(`sign-in and every step of the set-up are accessible: ${locale}`, async ({ browser, stack }) => {
    const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-new-"));
    const box = await Box.start(folder, null);
    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    const found: string[] = [];
    /** The one button that leads on is the last of the step. */
    const on = () => page.locator("main button").last().click();
    const step = (n: number) => expect(page.getByTestId("setup-step")).toHaveAttribute("data-step", String(n));
    try {
      await page.goto(`${stack.box.url}/login`);
      found.push(...(await faults(page, "/login")));
      await page.goto(`${box.url}/setup`);
      found.push(...(await faults(page, "/setup code")));
      expect(await page.evaluate(() => document.documentElement.dir)).toBe(locale === "ar" ? "rtl" : "ltr");
      await page.goto(`${box.url}/setup#${await box.setupCode()}`);
      await step(2);
      await page.locator("[name=username]").fill("chief");
      await page.locator("[name=email]").fill("chief@clinic.example");
      await page.locator("[name=password]").fill("Correct-Horse-7!");
      await page.locator("[name=again]").fill("Correct-Horse-7!");
      found.push(...(await faults(page, "/setup account")));
      await on();
      await step(3);
      found.push(...(await faults(page, "/setup region")));
      await on();
      await step(4);
      await page.locator("input[type=url]").fill("http://127.0.0.1:9/dicom-web");
      await on();
      await expect(page.getByTestId("echo-steps")).toBeVisible();
      found.push(...(await faults(page, "/setup destination")));
      await page.locator("main button:not([type=submit])").click();
      await step(5);
      found.push(...(await faults(page, "/setup certificate")));
      await on();
      await step(6);
      found.push(...(await faults(page, "/setup modality")));
      await on();
      await expect(page.getByTestId("upload-study-heading")).toBeVisible();
      expect(found).toEqual([]);
    } finally {
      await context.close();
      await box.off();
      rmSync(folder, { recursive: true, force: true });
    }
  });
