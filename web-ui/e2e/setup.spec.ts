import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Box } from "./support/box";
import { expect, test } from "./support/test";

test("J1: a new box is set up from its code to its first destination", async ({ page, stack }) => {
  const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-new-"));
  const box = await Box.start(folder, null);
  try {
    await page.goto(`${box.url}/reports`);
    await expect(page).toHaveURL(/\/setup$/);
    await page.getByLabel("Code").fill("aaaabbbb");
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByLabel("User ID").fill("chief");
    await page.getByLabel("Email").fill("chief@clinic.example");
    await page.getByLabel("Password", { exact: true }).fill("Correct-Horse-7!");
    await page.getByLabel("Password again").fill("Correct-Horse-7!");
    await page.getByRole("button", { name: "Create the account" }).click();
    await expect(page.getByRole("alert").first()).toBeVisible();
    await page.goto(`${box.url}/setup#${await box.setupCode()}`);
    await expect(page).toHaveURL(/\/setup$/);
    await page.getByLabel("User ID").fill("chief");
    await page.getByLabel("Email").fill("chief@clinic.example");
    await page.getByLabel("Password", { exact: true }).fill("Correct-Horse-7!");
    await page.getByLabel("Password again").fill("Correct-Horse-7!");
    await page.getByRole("button", { name: "Create the account" }).click();
    await expect(page.getByRole("heading", { name: "Language and time zone" })).toBeVisible();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByLabel("Address").fill(stack.orthanc.url);
    await page.getByRole("button", { name: "Add and test" }).click();
    await expect(page.getByText("All steps work.")).toBeVisible();
    await page.getByRole("button", { name: "Next" }).click();
    await expect(page.getByTestId("https-off")).toBeVisible();
    await page.getByRole("button", { name: "Next" }).click();
    await expect(page.getByText("RELAYPACS")).toBeVisible();
    await page.getByRole("button", { name: "Finish" }).click();
    await expect(page.getByTestId("upload-study-heading")).toBeVisible();
  } finally {
    await box.off();
    rmSync(folder, { recursive: true, force: true });
  }
});
