import { writeCt } from "./support/ct";
import { choose, confirm, expect, signIn, test } from "./support/test";
import { totp } from "./support/totp";

test("signing in, staying signed in over a reload, and signing out", async ({ page, stack }) => {
  await page.goto(`${stack.box.url}/settings`);
  await expect(page).toHaveURL(/\/login$/);
  await expect(page.getByRole("heading", { name: "RelayPACS" })).toHaveCount(1);
  await page.locator("#username").fill(stack.clinician.username);
  await page.locator("#password").fill("wrong");
  await page.getByTestId("login-button").click();
  await expect(page.getByText("Invalid credentials or authentication code.")).toBeVisible();
  await page.locator("#password").fill(stack.clinician.password);
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.locator("#password")).toHaveAttribute("type", "text");
  await page.getByRole("button", { name: "Sign In to Gateway" }).click();
  await expect(page).toHaveURL(/\/settings$/);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await page.getByTitle("Logout").click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goto(`${stack.box.url}/reports`);
  await expect(page).toHaveURL(/\/login$/);
});

test("the second factor: set up by its QR code, asked for, turned off", async ({ page, stack }) => {
  const user = await stack.box.invite(await stack.box.signedIn(stack.admin), "clinician", "totpuser");
  await signIn(page, stack, user, "/settings");
  await page.getByRole("button", { name: "Enable 2FA" }).click();
  await expect(page.getByAltText("2FA QR Code")).toBeVisible();
  const secret = (await page.locator("dialog code").textContent()) ?? "";
  await page.getByPlaceholder("000 000").fill(totp(secret));
  await page.getByRole("button", { name: "Verify & Enable" }).click();
  await expect(page.getByText("Two-Factor Authentication enabled!")).toBeVisible();
  const recovery = await page.getByTestId("recovery-codes").locator("li").allTextContents();
  expect(recovery.length).toBeGreaterThanOrEqual(8);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByTitle("Logout").click();
  await page.locator("#username").fill(user.username);
  await page.locator("#password").fill(user.password);
  await page.getByTestId("login-button").click();
  await expect(page.getByLabel("Authentication Code")).toBeVisible();
  await page.getByPlaceholder("000000").fill(recovery[0] ?? "");
  await page.getByRole("button", { name: "Verify & Sign In" }).click();
  await expect(page.getByTitle("Logout")).toBeVisible();
  await page.goto(`${stack.box.url}/settings`);
  await page.getByRole("button", { name: "Disable 2FA" }).click();
  await page.getByPlaceholder("000 000").fill(recovery[1] ?? "");
  await page.getByRole("button", { name: "Turn off", exact: true }).click();
  await expect(page.getByRole("button", { name: "Enable 2FA" })).toBeVisible();
});

test("an invite makes an account of its role, once", async ({ page, stack }) => {
  const admin = await stack.box.signedIn(stack.admin);
  const { body } = await stack.box.api("POST", "/users/invites", admin.token, { role: "radiologist" });
  await page.goto(`${stack.box.url}/login#invite=${body.code}`);
  await expect(page).toHaveURL(/\/login$/);
  await page.locator("#username").fill("newreader");
  await page.getByLabel("Clinical Email").fill("new@clinic.example");
  await page.locator("#password").fill("Correct-Horse-7!");
  await page.getByRole("button", { name: "Create Secure Account" }).click();
  await expect(page.getByRole("heading", { name: "Studies" })).toBeVisible();
});

test("roles see only what is theirs", async ({ page, stack }) => {
  await signIn(page, stack, stack.radiologist);
  await expect(page).toHaveURL(/\/studies$/);
  await expect(page.getByRole("button", { name: "UPLOAD" })).toHaveCount(0);
  await page.goto(`${stack.box.url}/admin/users`);
  await expect(page.getByText("Not for your role")).toBeVisible();
});

test("a clinician sees their own studies and reports, and nobody else's", async ({ browser, page, stack }) => {
  const ct = writeCt(stack.folder, { images: 1 });
  await signIn(page, stack, stack.clinician);
  await choose(page, ct.files);
  await confirm(page);
  await expect(page.getByTestId("upload-success-message")).toBeVisible();
  const upload = new URL(page.url()).pathname;
  await page.getByRole("link", { name: "To the report" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /E2E, PATIENT/ })).toBeVisible();
  const report = new URL(page.url()).pathname;
  const other = await stack.box.invite(await stack.box.signedIn(stack.admin), "clinician", "colin");
  const theirs = await browser.newPage();
  await signIn(theirs, stack, other, "/reports");
  await expect(theirs.getByTestId("reports-empty")).toBeVisible();
  await theirs.goto(`${stack.box.url}/studies`);
  await expect(theirs.getByText("No study yet")).toBeVisible();
  for (const path of [report, upload, `/studies/${ct.studyUid}`]) {
    await theirs.goto(`${stack.box.url}${path}`);
    await expect(theirs.getByTitle("Logout")).toBeVisible();
    await expect(theirs.getByRole("heading", { level: 1 }).first()).toBeVisible();
    await expect(theirs.getByText(/PATIENT\d/)).toHaveCount(0);
  }
  await theirs.goto(`${stack.box.url}/admin/audit`);
  await expect(theirs.getByText("Not for your role")).toBeVisible();
  await theirs.close();
});

test("the page locks, and the same user comes back to where they were", async ({ page, stack }) => {
  await signIn(page, stack, stack.radiographer, "/studies");
  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("menuitem", { name: "Lock the screen" }).click();
  await expect(page.getByText("Locked. Sign in again as")).toBeVisible();
  await expect(page.locator("#username")).toHaveValue(stack.radiographer.username);
  await page.locator("#password").fill(stack.radiographer.password);
  await page.getByTestId("login-button").click();
  await expect(page).toHaveURL(/\/studies$/);
});

test("a tab that is closed before its new session comes is still signed in when it is opened again", async ({ context, page, stack }) => {
  await signIn(page, stack, stack.clinician);
  const asked: unknown[] = [];
  // The box renews the session, and its answer never comes to the page, which is closed by then.
  const lost = new Promise<number>((resolve) => {
    void context.route("**/api/v1/auth/refresh", async (route) => {
      asked.push(route.request().postDataJSON());
      resolve((await route.fetch()).status());
    });
  });
  await page.goto(`${stack.box.url}/settings`);
  expect(await lost).toBe(200);
  await page.close();
  await context.unroute("**/api/v1/auth/refresh");
  const again = await context.newPage();
  again.on("request", (request) => request.url().endsWith("/auth/refresh") && asked.push(request.postDataJSON()));
  await again.goto(`${stack.box.url}/settings`);
  await expect(again.getByRole("button", { name: "Enable 2FA" })).toBeVisible();
  // It named the same exchange, which the box answers however late that is: without the name it would only do so for a minute.
  expect(asked).toHaveLength(2);
  expect(asked[0]).toMatchObject({ attempt: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(asked[1]).toEqual(asked[0]);
});
