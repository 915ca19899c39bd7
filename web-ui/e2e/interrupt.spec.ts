import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Box } from "./support/box";
import { OwnBrowser } from "./support/browser";
import { writeCt } from "./support/ct";
import { SmallDisk } from "./support/disk";
import { Line } from "./support/line";
import { choose, confirm, copied, expect, sendSlowly, signIn, test } from "./support/test";

test("a line that cuts every connection after 3 MB: the upload arrives whole by itself", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 24, size: 512 });
  const line = await Line.to(stack.box.port);
  try {
    await signIn(page, { box: line }, stack.clinician);
    await choose(page, ct.files);
    line.cutAfter = 3_000_000;
    await confirm(page);
    await expect(page.getByTestId("upload-success-message")).toBeVisible({ timeout: 90_000 });
    expect(line.cuts).toBeGreaterThan(0);
    await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
    expect(await stack.orthanc.images(ct.studyUid)).toBe(24);
  } finally {
    line.off();
  }
});

test("the browser is killed in the middle of an upload: its profile, opened again, goes on without choosing files", async ({ stack }) => {
  const ct = writeCt(stack.folder, { images: 24, size: 512 });
  const profile = join(stack.folder, "profile");
  mkdirSync(profile);
  const line = await Line.to(stack.box.port);
  let browser = await OwnBrowser.open(profile);
  try {
    await signIn(browser.page, { box: line }, stack.clinician);
    await choose(browser.page, ct.files);
    await copied(browser.page);
    line.rate = 600_000;
    await confirm(browser.page);
    await expect(browser.page.getByText(/^[1-9]\d?% Synchronized/)).toBeVisible({ timeout: 60_000 });
    await browser.kill();
    line.rate = 0;
    for (const file of ct.files) rmSync(file);
    browser = await OwnBrowser.open(profile);
    await browser.page.goto(line.url);
    await browser.page
      .getByRole("button", { name: /Resume|Receipt/ })
      .first()
      .click();
    await expect(browser.page.getByTestId("upload-success-message")).toBeVisible({ timeout: 60_000 });
    await expect(browser.page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
    expect(await stack.orthanc.images(ct.studyUid)).toBe(24);
  } finally {
    await browser.kill();
    line.off();
  }
});

test("the page is closed while the line is away: the browser's background sync sends the rest without any page", async ({
  context,
  page,
  stack,
}) => {
  const ct = writeCt(stack.folder, { images: 16, size: 512 });
  const line = await Line.to(stack.box.port);
  try {
    await signIn(page, { box: line }, stack.clinician);
    await choose(page, ct.files);
    await copied(page);
    const debug = await context.newCDPSession(await context.newPage());
    const registration = new Promise<string>((resolve) => {
      debug.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const found = registrations.find(({ scopeURL }) => scopeURL.startsWith(line.url));
        if (found) resolve(found.registrationId);
      });
    });
    await debug.send("ServiceWorker.enable");
    line.rate = 600_000;
    await confirm(page);
    await expect(page.getByText(/^[1-9]\d?% Synchronized/)).toBeVisible({ timeout: 60_000 });
    await page.close();
    line.rate = 0;
    const sync = { origin: line.url, registrationId: await registration, tag: "relaypacs-upload", lastChance: false };
    await expect
      .poll(
        async () => {
          // The closed page's lock may live a moment longer; the browser calls again as well.
          await debug.send("ServiceWorker.dispatchSyncEvent", sync);
          return stack.orthanc.images(ct.studyUid);
        },
        { timeout: 60_000, intervals: [1000] },
      )
      .toBe(16);
  } finally {
    line.off();
  }
});

test("the session ends in the middle of an upload: it goes on, and is there after signing in again", async ({ page, stack }) => {
  const ct = writeCt(stack.folder, { images: 16, size: 512 });
  const line = await Line.to(stack.box.port);
  try {
    await sendSlowly(page, line, stack.radiographer, ct.files);
    const { token } = await stack.box.signedIn(stack.radiographer);
    const { body } = await stack.box.api("GET", "/auth/sessions", token);
    const sessions = (Array.isArray(body) ? body : (body.sessions ?? [])) as { id: string; current?: boolean }[];
    for (const { id, current } of sessions) if (!current) await stack.box.api("DELETE", `/auth/sessions/${id}`, token);
    await expect(page.getByText("Your session is over. Sign in to continue; nothing is lost.")).toBeVisible({ timeout: 60_000 });
    line.rate = 0;
    await page.locator("#username").fill(stack.radiographer.username);
    await page.locator("#password").fill(stack.radiographer.password);
    await page.getByTestId("login-button").click();
    await expect(page.getByTestId("upload-success-message")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByTestId("pacs-status-message")).toHaveText("Study secured in Cloud PACS", { timeout: 60_000 });
    expect(await stack.orthanc.images(ct.studyUid)).toBe(16);
  } finally {
    line.off();
  }
});

test("the box is full: the page says so, keeps the files and does not lose what arrived", async ({ page, stack }) => {
  const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-full-"));
  const box = await Box.start(folder, null, '[buffer]\nsegment_bytes = "1MiB"\nmax_bytes = "8MiB"\n');
  try {
    const admin = await box.admin();
    const ct = writeCt(stack.folder, { images: 40, size: 512 });
    await signIn(page, { box }, admin);
    await choose(page, ct.files);
    await confirm(page);
    await expect(page.getByText("Box full, making room").first()).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText("Your files are safe in this browser.")).toBeVisible();
  } finally {
    await box.off();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a real disk fills up in the middle: the page says so, blames no file, and goes on when there is room", async ({ page, stack }) => {
  const disk = SmallDisk.mount(256);
  test.skip(disk === null, "only root can mount a disk");
  if (!disk) return;
  const box = await Box.start(join(disk.folder, "box"), null, '[buffer]\nsegment_bytes = "4MiB"\n');
  const line = await Line.to(box.port);
  try {
    const admin = await box.admin();
    const ct = writeCt(stack.folder, { images: 40, size: 512 });
    await signIn(page, { box: line }, admin);
    await choose(page, ct.files);
    line.rate = 3_000_000;
    await confirm(page);
    await expect(page.getByText(/^[1-9]\d% Synchronized/)).toBeVisible({ timeout: 60_000 });
    disk.fill();
    line.rate = 0;
    await expect(page.getByText("Box full, making room").first()).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText("Your files are safe in this browser.")).toBeVisible();
    disk.clear();
    await page.getByRole("button", { name: "Try now" }).click();
    await expect(page.getByTestId("upload-success-message")).toHaveText("Upload Successful", { timeout: 100_000 });
  } finally {
    line.off();
    await box.off();
    disk.off();
  }
});
