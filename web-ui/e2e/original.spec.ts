import type { Page } from "@playwright/test";
import { writeCt } from "./support/ct";
import { choose, expect, signIn, test } from "./support/test";

// The original's users and their scripts find their way: each name below stands once, as those scripts look for it (a second match fails).

const once = async (page: Page, role: "button" | "heading", ...names: string[]) => {
  for (const name of names) await expect(page.getByRole(role, { name }), `${role} ${name}`).toHaveCount(1);
};
const ids = async (page: Page, ...testids: string[]) => {
  for (const id of testids) await expect(page.getByTestId(id), `test id ${id}`).toHaveCount(1);
};

test("sign-in and sign-up keep the original's names", async ({ page, stack }) => {
  await page.goto(`${stack.box.url}/login`);
  await once(page, "heading", "RelayPACS", "Sign in");
  for (const name of ["Sign In", "Sign Up"]) await expect(page.getByRole("button", { name, exact: true })).toHaveCount(1);
  await expect(page.getByLabel("User ID")).toHaveAttribute("id", "username");
  await expect(page.getByLabel("Security Key")).toHaveAttribute("id", "password");
  await expect(page.getByTestId("login-button")).toHaveText("Sign In to Gateway");
  await expect(page.locator('button[type="button"]:has(svg)')).toHaveCount(1);
  await page.getByRole("button", { name: "Sign Up", exact: true }).click();
  await expect(page.getByLabel("Clinical Email")).toHaveAttribute("id", "email");
  await expect(page.getByLabel("User ID")).toHaveAttribute("id", "username");
  await expect(page.getByLabel("Security Key")).toHaveAttribute("id", "password");
  await expect(page.getByTestId("login-button")).toHaveText("Create Secure Account");
});

test("upload, its form, progress and receipt keep the original's names", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 2, name: "DOE^JOHN" });
  await signIn(page, stack, stack.clinician);
  await once(page, "button", "UPLOAD", "DASHBOARD", "REPORTS", "Notifications", "Files", "Folder", "Browse");
  await expect(page.getByLabel("System Online")).toHaveCount(1);
  await expect(page.getByTitle("Logout")).toHaveCount(1);
  await expect(page.getByTestId("upload-study-heading")).toHaveText("Upload Study");
  await expect(page.locator('input[type="file"]')).toHaveCount(1);
  await expect(page.locator('input[type="file"]')).toBeHidden();

  await choose(page, ct.files);
  await once(page, "heading", "Confirm Metadata");
  await expect(page.getByLabel("Patient Name")).toHaveValue("DOE^JOHN");
  for (const label of ["Patient Name", "Study Date", "Modality"]) await expect(page.getByLabel(label)).toHaveCount(1);
  await expect(page.getByLabel("Age (Confirm) *")).toHaveAttribute("id", "age");
  await expect(page.getByLabel(/age/i)).toHaveCount(1);
  await expect(page.getByLabel("Gender (Confirm) *")).toHaveAttribute("id", "gender");
  const genders = page.locator("#gender option");
  expect((await genders.evaluateAll((options) => options.map((one) => (one as HTMLOptionElement).value))).filter(Boolean)).toEqual([
    "M",
    "F",
    "O",
  ]);
  await expect(page.getByLabel("Clinical History *")).toHaveAttribute("id", "clinicalHistory");
  await page.getByPlaceholder("Reason for study, ").fill("Cough");
  await expect(page.getByTestId("confirm-upload-button")).toHaveText("Confirm & Upload");

  await page.getByTestId("confirm-upload-button").click();
  await expect(page.getByTestId("upload-success-message")).toHaveText("Upload Successful");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Uploading Study");
  await expect(page.getByRole("progressbar").first()).toBeVisible();
  await expect(page.getByText("100% Synchronized")).toHaveCount(1);
  await once(page, "heading", "Transmission Queue");
  await ids(page, "upload-complete-banner", "upload-success-message", "pacs-status-message");
  await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
  await expect(page.getByText("Study secured in Cloud PACS")).toHaveCount(1);
  await page.getByRole("button", { name: "Upload New Study" }).click();
  await expect(page).toHaveURL(`${stack.box.url}/`);
});

test("the wizard, the dashboard, reports, settings and the phone's menu keep the original's names", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 1 });
  await signIn(page, stack, stack.admin, "/upload-new");
  await once(page, "heading", "New Study Upload");
  await ids(page, "file-drop-zone", "file-input");
  await page.getByTestId("file-input").setInputFiles(ct.files);
  await ids(page, "start-upload-btn", "patient-name-input", "age-input", "clinical-history-input");
  await ids(page, "gender-select", "modality-select", "service-level-select");
  await page.getByTestId("clinical-history-input").fill("Cough");
  await page.getByTestId("start-upload-btn").click();
  await ids(page, "upload-complete-banner");
  await expect(page.getByText("Upload Complete")).toHaveCount(1);
  await once(page, "button", "View Reports", "Upload Another");

  await page.getByRole("button", { name: "DASHBOARD" }).click();
  await once(page, "heading", "Analytics Dashboard");
  await once(page, "button", "1W", "2W", "1M", "3M", "6M", "ALL", "Export CSV");
  await expect(page.getByTitle("Refresh Statistics")).toHaveCount(1);
  for (const text of ["Total Studies", "Success Rate"]) await expect(page.getByText(text)).toHaveCount(1);

  await page.getByRole("button", { name: "REPORTS", exact: true }).click();
  await expect(page.getByTestId("reports-header")).toHaveText("My Reports");
  await expect(page.getByTestId("reports-list").or(page.getByTestId("reports-empty"))).toHaveCount(1);

  await page.goto(`${stack.box.url}/settings`);
  await page.getByRole("button", { name: "Enable 2FA" }).click();
  await expect(page.getByAltText("2FA QR Code")).toHaveCount(1);
  await expect(page.getByPlaceholder("000 000")).toHaveCount(1);
  await once(page, "button", "Verify & Enable");
  await page.keyboard.press("Escape");

  await page.setViewportSize({ width: 390, height: 800 });
  await once(page, "button", "UPLOAD", "DASHBOARD", "REPORTS", "NOTIFS");
});
