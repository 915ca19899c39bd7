import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeCt } from "./support/ct";
import { Line } from "./support/line";
import { choose, confirm, copied, expect, sendSlowly, signIn, test } from "./support/test";

test("J2: a folder of CT images goes from choosing to proof of delivery", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 6 });
  await signIn(page, stack, stack.clinician);
  await choose(page, ct.files);
  await copied(page);
  await expect(page.getByLabel("Patient Name")).toHaveValue(ct.name);
  await expect(page.getByLabel(/age/i)).toHaveCount(1);
  await expect(page.getByLabel("Age (Confirm) *")).toHaveValue("46Y");
  await confirm(page);
  await expect(page.getByRole("heading", { name: "Uploading Study", level: 1 })).toBeVisible();
  await expect(page.getByTestId("upload-success-message")).toHaveText("Upload Successful");
  await expect(page.getByText("100% Synchronized")).toBeVisible();
  await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
  expect(await stack.orthanc.images(ct.studyUid)).toBe(6);
});

test("what is no DICOM is said once", async ({ page, stack }) => {
  const file = join(stack.folder, "notes.txt");
  writeFileSync(file, "plain text");
  await signIn(page, stack, stack.clinician);
  await choose(page, [file]);
  await expect(page.getByText("notes.txt is not a valid DICOM file")).toHaveCount(1);
});

test("the same study again: asked, and sent only after a second click", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 1 });
  await signIn(page, stack, stack.clinician);
  for (const first of [true, false]) {
    await page.goto(`${stack.box.url}/`);
    await choose(page, ct.files);
    await confirm(page);
    if (!first) {
      await expect(page.getByText(/was sent .* by clara/)).toBeVisible();
      await page.getByRole("button", { name: "Send anyway" }).click();
      await page.getByRole("button", { name: "Yes, send it again" }).click();
    }
    await expect(page.getByTestId("upload-success-message")).toBeVisible();
  }
});

test("a folder dropped on the page is read, sub-folders and all", async ({ page, context, stack }) => {
  const ct = writeCt(stack.folder, { images: 3 });
  await signIn(page, stack, stack.clinician);
  await expect(page.getByTestId("upload-study-heading")).toBeVisible();
  const hand = await context.newCDPSession(page);
  const data = { items: [], files: [dirname(ct.folder)], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) await hand.send("Input.dispatchDragEvent", { type, x: 640, y: 450, data });
  await expect(page.getByLabel("Patient Name")).toHaveValue(ct.name);
  await confirm(page);
  await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
  expect(await stack.orthanc.images(ct.studyUid)).toBe(3);
});

test("paused by hand nothing is sent; resumed it arrives whole", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 40, size: 512 });
  const line = await Line.to(stack.box.port);
  try {
    await sendSlowly(page, line, stack.clinician, ct.files);
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
    line.rate = 0;
    // What the systems in between hold still comes through; then nothing but what the page asks.
    const inTwoSeconds = async () => {
      const before = line.sent;
      await page.waitForTimeout(2000);
      return line.sent - before;
    };
    await expect.poll(inTwoSeconds, { timeout: 60_000 }).toBeLessThan(100_000);
    expect(line.sent).toBeLessThan(40 * 512 * 512 * 2);
    await expect(page.getByText("Paused", { exact: true }).first()).toBeVisible();
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(page.getByTestId("upload-success-message")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
    expect(await stack.orthanc.images(ct.studyUid)).toBe(40);
  } finally {
    line.off();
  }
});

test("the network drops in the middle: the upload pauses, says so, and goes on by itself", async ({ page, context, stack }) => {
  const ct = writeCt(stack.folder, { images: 16, size: 512 });
  const line = await Line.to(stack.box.port);
  try {
    await sendSlowly(page, line, stack.clinician, ct.files);
    await context.setOffline(true);
    await expect(page.getByText("The line to the box is interrupted")).toBeVisible({ timeout: 45_000 });
    line.rate = 0;
    await context.setOffline(false);
    await expect(page.getByTestId("upload-success-message")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
    expect(await stack.orthanc.images(ct.studyUid)).toBe(16);
  } finally {
    line.off();
  }
});

test("the box is killed and started again in the middle: the upload goes on and arrives whole", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 60, size: 512 });
  await signIn(page, stack, stack.clinician);
  await choose(page, ct.files);
  await confirm(page);
  await stack.box.kill();
  await expect(page.getByText("The line to the box is interrupted")).toBeVisible();
  await stack.box.on();
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(page.getByTestId("upload-success-message")).toBeVisible({ timeout: 90_000 });
  await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
  expect(await stack.orthanc.images(ct.studyUid)).toBe(60);
});

test("the tab is closed while the box is away: the next one goes on without choosing again", async ({ context, page, stack }) => {
  const ct = writeCt(stack.folder, { images: 30, size: 512 });
  await signIn(page, stack, stack.clinician);
  await choose(page, ct.files);
  await copied(page);
  await stack.box.kill();
  await confirm(page);
  await expect(page.getByText("The line to the box is interrupted")).toBeVisible();
  await page.close();
  await stack.box.on();
  const next = await context.newPage();
  await next.goto(`${stack.box.url}/`);
  await next
    .getByRole("button", { name: /Resume|Receipt/ })
    .first()
    .click();
  await expect(next.getByTestId("upload-success-message")).toBeVisible({ timeout: 90_000 });
  await expect(next.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
  expect(await stack.orthanc.images(ct.studyUid)).toBe(30);
});

test("two tabs: one uploads, both show it, and when it closes the other takes over", async ({ context, page, stack }) => {
  const ct = writeCt(stack.folder, { images: 20, size: 512 });
  await signIn(page, stack, stack.clinician);
  await choose(page, ct.files);
  await copied(page);
  const second = await context.newPage();
  await second.goto(`${stack.box.url}/`);
  await expect(second.getByTestId("upload-study-heading")).toBeVisible();
  await stack.box.kill();
  await confirm(page);
  await expect(page.getByText("The line to the box is interrupted")).toBeVisible();
  await page.close();
  await stack.box.on();
  await second
    .getByRole("button", { name: /Resume|Receipt/ })
    .first()
    .click();
  await expect(second.getByTestId("upload-success-message")).toBeVisible({ timeout: 90_000 });
});

test("the PACS is away: the study is safe here, and secured when it is back", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 2 });
  await signIn(page, stack, stack.clinician);
  await stack.orthanc.off();
  await choose(page, ct.files);
  await confirm(page);
  await expect(page.getByTestId("upload-success-message")).toHaveText("Upload Successful");
  await expect(page.getByTestId("pacs-status-message")).toContainText("Safe on the box");
  await stack.orthanc.on();
  await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 90_000 });
});

test("many studies of two patients at once", async ({ page, stack }) => {
  const [one, two] = [writeCt(stack.folder, { images: 2 }), writeCt(stack.folder, { images: 3 })];
  await signIn(page, stack, stack.radiographer, "/upload-new");
  await expect(page.getByRole("heading", { name: "New Study Upload" })).toBeVisible();
  await page.getByTestId("file-input").setInputFiles([...one.files, ...two.files]);
  await page.getByLabel("Yes, these belong together in this upload").check();
  await page.getByTestId("clinical-history-input").fill("first");
  await page.getByTestId("start-upload-btn").click();
  await expect(page.getByTestId("patient-name-input")).toHaveValue(two.name);
  await page.getByTestId("clinical-history-input").fill("second");
  await page.getByTestId("start-upload-btn").click();
  await expect(page.getByText("Upload Complete")).toHaveCount(1, { timeout: 60_000 });
});

test("an upload with the keyboard alone", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 1 });
  await signIn(page, stack, stack.clinician, "/studies");
  await page.locator("main").press("u");
  await expect(page.getByTestId("upload-study-heading")).toBeVisible();
  const chooser = page.waitForEvent("filechooser");
  for (
    let step = 0;
    step < 40 && !(await page.getByRole("button", { name: "Browse" }).evaluate((one) => one === document.activeElement));
    step += 1
  )
    await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(ct.files);
  await expect(page.getByLabel("Clinical History *")).toBeVisible();
  for (
    let step = 0;
    step < 40 && !(await page.getByLabel("Clinical History *").evaluate((one) => one === document.activeElement));
    step += 1
  )
    await page.keyboard.press("Tab");
  await page.keyboard.type("Pain");
  for (
    let step = 0;
    step < 10 && !(await page.getByTestId("confirm-upload-button").evaluate((one) => one === document.activeElement));
    step += 1
  )
    await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("upload-success-message")).toBeVisible();
  await expect(page.getByTestId("announcer")).toHaveText(/The box has the study/);
});
