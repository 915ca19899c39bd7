import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";
import { writeCt } from "./support/ct";
import { run } from "./support/process";
import { choose, confirm, expect, signIn, test } from "./support/test";

/** The words of a PDF, page by page. */
async function pdfText(path: string): Promise<string> {
  const document = await getDocument({ data: new Uint8Array(readFileSync(path)) }).promise;
  const pages = await Promise.all(Array.from({ length: document.numPages }, (_, n) => document.getPage(n + 1)));
  const contents = await Promise.all(pages.map((page) => page.getTextContent()));
  return contents.flatMap(({ items }) => items.map((item) => ("str" in item ? item.str : ""))).join(" ");
}

test("J3: what a scanner sends and what is uploaded is one list; images are shown, the proof is there", async ({ page, stack }) => {
  const sent = writeCt(stack.folder, { images: 3, name: "SCANNER^SAM" });
  await signIn(page, stack, stack.radiographer, "/studies");
  const binary = process.env.RELAYPACS_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "../target", "debug/relaypacs");
  await run(binary, ["send", "--to", `127.0.0.1:${stack.box.dicomPort}`, ...sent.files]);
  const row = page.getByRole("row").filter({ hasText: "SCANNER, SAM" });
  await expect(row).toBeVisible();
  await expect(row.getByText("delivered")).toBeVisible({ timeout: 60_000 });
  await page.getByLabel("Search").fill("scanner");
  await expect(row).toBeVisible();
  expect(page.url()).not.toContain("scanner");
  await row.getByRole("link").click();
  await expect(page.getByRole("heading", { name: "SCANNER, SAM" })).toBeVisible();
  await page.getByRole("button", { name: "Show the proof of every image" }).click();
  await expect(page.getByText("named by the PACS").first()).toBeVisible();
  const picture = page.getByAltText("Image 2 of 3");
  await expect(picture).toBeVisible();
  await expect.poll(() => picture.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBeGreaterThan(100);
  const before = await picture.getAttribute("src");
  await page.getByRole("button", { name: "Lung" }).click();
  await expect.poll(() => page.getByAltText("Image 2 of 3").getAttribute("src")).not.toBe(before);
});

test("J4: an upload makes a report; when it is ready its owner is told, opens and takes the PDF", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 1 });
  await signIn(page, stack, stack.clinician);
  await choose(page, ct.files);
  await confirm(page);
  await expect(page.getByTestId("upload-success-message")).toBeVisible();
  await page.getByRole("link", { name: "To the report" }).click();
  await expect(page.getByText(/Assigned, not read yet\.|Being written\./)).toBeVisible();
  const id = page.url().split("/").pop();
  const reader = await stack.box.signedIn(stack.radiologist);
  // It becomes pending by itself once the PACS has the study.
  await expect(page.getByText("Being written.")).toBeVisible({ timeout: 60_000 });
  await stack.box.api("PATCH", `/reports/${id}`, reader.token, {
    status: "ready",
    radiologist_name: "Dr. Rosa",
    report_text: "No acute finding.",
  });
  await expect(page.getByText("No acute finding.").first()).toBeVisible();
  await expect(page.getByTestId("pdf-view")).toBeVisible();
  await expect(page.getByTestId("pdf-view")).toContainText("No acute finding");
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download PDF" }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toBe(`report-${id}.pdf`);
  expect(await pdfText(await file.path())).toMatch(/No acute finding\..*Dr\. Rosa|Dr\. Rosa.*No acute finding\./s);
  await expect(page.getByTestId("unread-badge").first()).toBeVisible();
  await page.getByRole("button", { name: "Notifications" }).click();
  await page.getByTestId("notification").filter({ hasText: /ready/i }).first().getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(`/reports/${id}$`));
  await page.goto(`${stack.box.url}/reports`);
  const row = page.locator(`a[href$="/reports/${id}"]`).first();
  await expect(row).toBeVisible();
  await page.getByRole("button", { name: /^Pending/ }).click();
  await expect(row).toHaveCount(0);
  await page.getByRole("button", { name: /^Ready/ }).click();
  await expect(row).toBeVisible();
});

test("the dashboard's numbers are what was sent; the admin takes them as a table", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 3 });
  const total = page.getByTestId("card-total");
  const number = async () => Number((await total.textContent())?.replaceAll(/\D/g, ""));
  await signIn(page, stack, stack.admin, "/dashboard");
  await expect(page.getByRole("heading", { name: "Analytics Dashboard" })).toBeVisible();
  const token = (await stack.box.signedIn(stack.admin)).token;
  const stats = async () => (await stack.box.api("GET", "/upload/stats?period=1w", token)).body as Record<string, number>;
  const before = await stats();
  await expect.poll(number).toBe(before.total_uploads);
  await page.getByRole("button", { name: "UPLOAD" }).click();
  await choose(page, ct.files);
  await confirm(page);
  await expect(page.getByTestId("upload-success-message")).toBeVisible();
  await page.getByRole("button", { name: "DASHBOARD" }).click();
  await page.getByTitle("Refresh Statistics").click();
  await expect.poll(number).toBe(Number(before.total_uploads) + 1);
  const after = await stats();
  const bytes = ct.files.reduce((sum, file) => sum + statSync(file).size, 0);
  expect([after.successful_uploads, after.failed_uploads]).toEqual([Number(before.successful_uploads) + 1, before.failed_uploads]);
  expect(Number(after.total_bytes) - Number(before.total_bytes)).toBe(bytes);
  for (const period of ["2W", "1M", "3M", "6M", "ALL", "1W"]) await page.getByRole("button", { name: period }).click();
  await expect(page.getByText("Total Studies")).toHaveCount(1);
  await expect(page.getByText("Success Rate")).toHaveCount(1);
  // Each is drawn when it is scrolled near; its numbers are there before.
  await expect(page.getByRole("button", { name: /: Table$/ })).toHaveCount(3);
  for (const figure of await page.locator("figure").all()) {
    await figure.scrollIntoViewIfNeeded();
    await expect(figure.locator(".recharts-surface").first()).toBeVisible();
  }
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const table = await saved;
  expect(table.suggestedFilename()).toBe("relaypacs_stats_1w.csv");
  expect(readFileSync(await table.path(), "utf8")).toContain(String(after.total_uploads));
});

test("J5: an admin adds a destination and sees which step of its test fails", async ({ page, stack }) => {
  await signIn(page, stack, stack.admin, "/admin/destinations");
  await page.getByRole("button", { name: "Add a destination" }).first().click();
  await page.getByLabel("Name").fill("nowhere");
  await page.getByLabel("Address").fill("http://127.0.0.1:9/dicom-web");
  await page.getByRole("button", { name: "Save" }).click();
  const card = page.locator("section").filter({ has: page.getByRole("heading", { name: "nowhere" }) });
  await card.getByRole("button", { name: "Test" }).click();
  await expect(card.getByText("Look at the step that fails.")).toBeVisible();
  await card.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(card).toHaveCount(0);
});

test("the status bar says when the box is gone, and the page starts without it", async ({ page, stack }) => {
  await signIn(page, stack, stack.clinician, "/studies");
  await expect(page.getByLabel("System Online")).toBeVisible();
  await expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state)).toBe("activated");
  await stack.box.off();
  await expect(page.getByLabel("System Offline")).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await expect(page.getByRole("heading", { name: "Studies" })).toBeVisible();
  await stack.box.on();
  await expect(page.getByLabel("System Online")).toContainText("Live", { timeout: 60_000 });
});
