import AxeBuilder from "@axe-core/playwright";
import { writeCt } from "./support/ct";
import { choose, expect, signIn, test } from "./support/test";

const PAGES = [
  "/",
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
  "/upload-new",
];

for (const theme of ["light", "dark"] as const)
  for (const language of ["en", "ar"] as const)
    test(`no accessibility violation and no sideways scroll: ${theme}, ${language}, 320 and 1280 px`, async ({ page, stack }) => {
      test.setTimeout(300_000);
      const admin = await stack.box.signedIn(stack.admin);
      const { body } = await stack.box.api("GET", "/auth/me", admin.token);
      await stack.box.api("PATCH", "/auth/me", admin.token, { preferences: { ...(body.preferences as object), language, theme } });
      const ct = writeCt(stack.folder, { images: 2 });
      await signIn(page, stack, stack.admin).catch(() => undefined);
      await page.locator("main").waitFor();
      await choose(page, ct.files);
      await page.getByTestId("clinical-history-input").fill("x");
      const paths = [new URL(page.url()).pathname, ...PAGES, `/studies/${ct.studyUid}`];
      await page.getByTestId("confirm-upload-button").click();
      await expect(page.getByTestId("upload-success-message")).toBeVisible();
      paths.push(new URL(page.url()).pathname);
      for (const width of [1280, 320]) {
        await page.setViewportSize({ width, height: 900 });
        for (const path of paths) {
          await page.goto(`${stack.box.url}${path}`);
          await page.locator("h1").first().waitFor();
          await expect(page.locator("[role=status][aria-label]").first()).toBeVisible();
          await page.waitForLoadState("networkidle").catch(() => undefined);
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect.soft(violations.map(({ id, nodes }) => `${path} ${width}: ${id} ${nodes[0]?.html.slice(0, 160)}`)).toEqual([]);
          expect
            .soft(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${path} at ${width}`)
            .toBeLessThanOrEqual(0);
        }
      }
      await stack.box.api("PATCH", "/auth/me", admin.token, { preferences: body.preferences });
    });

test("sign-in and set-up are accessible", async ({ page, stack }) => {
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${stack.box.url}/login`);
    await page.locator("#username").waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`)).toEqual([]);
  }
});
