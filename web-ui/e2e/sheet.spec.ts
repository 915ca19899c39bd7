import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "@playwright/test";
import { type Account, Box } from "./support/box";
import { Camera, contactSheets } from "./support/camera";
import { writeCt } from "./support/ct";
import { Line } from "./support/line";
import { run } from "./support/process";
import { choose, expect, type Stack, signIn, test } from "./support/test";
import { totp } from "./support/totp";

// Pictures of every page and state of a box with studies, to be looked at; never pass or fail for what they show:
//   SHEET=sheets npm run e2e -- sheet       (SHEET_LANGUAGES=en,fr,ar; pictures and one page of them for each language, width, theme)
const FOLDER = process.env.SHEET ?? "";
const LANGUAGES = (process.env.SHEET_LANGUAGES ?? "en,ar").split(",");
test.use({ trace: "off", video: "off" });
test.skip(FOLDER === "", "pictures are asked for by SHEET=folder");

/** A PACS nobody can reach. */
const NOWHERE = "http://127.0.0.1:9/dicom-web";

async function open(browser: Browser, locale: string): Promise<Page> {
  const context = await browser.newContext({ locale, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** An account whose preferences are of the language. */
async function account(box: Box, admin: Account, role: string, name: string, language: string): Promise<Account> {
  const user = await box.invite(await box.signedIn(admin), role, name);
  const { body } = await box.api("GET", "/auth/me", user.token);
  await box.api("PATCH", "/auth/me", user.token, { preferences: { ...(body.preferences as object), language } });
  return user;
}

let studies: { uid: string; report: string }[] = [];

/** Uploads a study as the page does; gives its address. */
async function upload(page: Page, base: string, files: string[]): Promise<string> {
  await page.goto(`${base}/`);
  await choose(page, files);
  await page.locator("#clinicalHistory").fill("Cough for two weeks, fever. Previous CT 2023.");
  await page.getByTestId("confirm-upload-button").click();
  await expect(page.getByTestId("upload-success-message")).toBeVisible();
  return new URL(page.url()).pathname;
}

/** Studies from a scanner and from the page, with names of many kinds; a PACS that is away. */
async function fill(browser: Browser, stack: Stack): Promise<void> {
  const binary = process.env.RELAYPACS_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "../target", "debug/relaypacs");
  const sent = [
    { name: "NGUYEN^THI MINH KHAI", modality: "MR", description: "MRI brain with contrast" },
    { name: "محمد^أحمد", modality: "CT", description: "CT abdomen" },
    { name: "VON HOHENZOLLERN-SIGMARINGEN^MAXIMILIAN FRIEDRICH^KARL", modality: "CR", description: "Chest PA and lateral, follow-up" },
    { name: "O'BRIEN^SEAN", modality: "US", description: "" },
  ];
  for (const one of sent) {
    const ct = writeCt(stack.folder, { images: 5, ...one });
    await run(binary, ["send", "--to", `127.0.0.1:${stack.box.dicomPort}`, ...ct.files]);
  }
  const admin = await stack.box.signedIn(stack.admin);
  const page = await open(browser, "en-GB");
  await signIn(page, stack, stack.clinician);
  for (const name of ["ADEYEMI^FOLASADE", "DUPONT^JEAN-PIERRE", "林^小明"]) {
    const ct = writeCt(stack.folder, { images: 3, name });
    await upload(page, stack.box.url, ct.files);
    studies.push({ uid: ct.studyUid, report: "" });
  }
  await page.close();
  const { body } = await stack.box.api("GET", "/reports", admin.token);
  const reports = body.reports as { id: string; study_instance_uid: string }[];
  studies = studies.map(({ uid }) => ({ uid, report: reports.find((one) => one.study_instance_uid === uid)?.id ?? "" }));
  await expect
    .poll(async () => (await stack.box.api("GET", `/reports/${studies[0]?.report}`, admin.token)).body.status, { timeout: 60_000 })
    .toBe("pending");
  const text = "FINDINGS\nNo consolidation, no effusion.\n\nIMPRESSION\nNo acute finding in the chest.";
  await stack.box.api("PATCH", `/reports/${studies[0]?.report}`, admin.token, {
    status: "ready",
    radiologist_name: "Dr. Rosa Weber",
    report_text: text,
  });
  await stack.box.api("POST", "/destinations", admin.token, { name: "archive", kind: "stow", url: NOWHERE });
  const later = writeCt(stack.folder, { images: 2, name: "KOWALSKA^ANNA" });
  await run(binary, ["send", "--to", `127.0.0.1:${stack.box.dicomPort}`, ...later.files]);
}

async function signingIn(camera: Camera, browser: Browser, stack: Stack, language: string, user: Account): Promise<void> {
  const page = await open(browser, language);
  await camera.view(page, "login", () => page.goto(`${stack.box.url}/login`));
  await camera.view(page, "login-refused", async () => {
    await page.locator("#username").fill(user.username);
    await page.locator("#password").fill("wrong");
    await page.getByTestId("login-button").click();
    await page.getByRole("alert").waitFor();
  });
  await camera.view(page, "login-sign-up", async () => {
    await page.locator("button[aria-pressed=false]").first().click();
    await page.locator("#invite").waitFor();
    await page.locator("#password").fill("short");
  });
  await signIn(page, stack, user, "/settings").catch(() => undefined);
  await camera.view(page, "settings-password", async () => {
    await page.locator("main section").nth(2).getByRole("button").click();
    await page.locator("dialog[open] input").nth(1).fill("abc");
  });
  await page.keyboard.press("Escape");
  await camera.view(page, "settings-2fa", async () => {
    await page.locator("main section").nth(3).getByRole("button").click();
    await page.locator("dialog[open] img").waitFor();
  });
  await camera.view(page, "settings-2fa-codes", async () => {
    await page.getByPlaceholder("000 000").fill(totp((await page.locator("dialog code").textContent()) ?? ""));
    await page.locator("dialog[open] button[type=submit]").click();
    await page.getByTestId("recovery-codes").waitFor();
  });
  await page.locator("dialog[open] button").last().click();
  await camera.view(page, "account-menu", () => page.locator("header button[aria-haspopup=menu]").click());
  await page.getByRole("menuitem").last().click();
  await camera.view(page, "login-locked", () => page.locator("#password").waitFor());
  await camera.view(page, "login-code", async () => {
    await page.locator("#password").fill(user.password);
    await page.getByTestId("login-button").click();
    await page.locator("#totp").waitFor();
  });
  await page.context().close();
}

async function settingUp(camera: Camera, browser: Browser, language: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-sheet-"));
  const box = await Box.start(folder, null);
  const page = await open(browser, language);
  try {
    await camera.view(page, "setup-1-code", () => page.goto(`${box.url}/setup`));
    await camera.view(page, "setup-2-account", async () => {
      await page.goto(`${box.url}/setup#${await box.setupCode()}`);
      for (const [name, value] of [
        ["username", "chief"],
        ["email", "chief@clinic.example"],
        ["password", "Correct-Horse-7!"],
        ["again", "Correct-Horse-7!"],
      ])
        await page.locator(`[name=${name}]`).fill(value as string);
    });
    await camera.view(page, "setup-3-region", async () => {
      await page.locator("button[type=submit]").click();
      await page.locator("select").nth(1).waitFor();
    });
    await camera.view(page, "setup-4-destination", () => page.locator("main button").last().click());
    await camera.view(page, "setup-4-destination-fails", async () => {
      await page.locator("input[type=url]").fill(NOWHERE);
      await page.locator("button[type=submit]").click();
      await page.getByTestId("echo-steps").waitFor();
    });
    await camera.view(page, "setup-5-certificate", async () => {
      await page.locator("main button:not([type=submit])").first().click();
      await page.locator("a[href='/ca.crt'], [data-testid=https-off]").first().waitFor();
    });
    await camera.view(page, "setup-6-modality", () => page.locator("main button").last().click());
    await camera.view(page, "empty-box", () => page.locator("main button").last().click());
    for (const path of ["studies", "dashboard", "reports", "notifications", "admin/modalities", "admin/destinations"])
      await camera.view(page, `empty-${path.replace("/", "-")}`, () => page.goto(`${box.url}/${path}`));
  } finally {
    await box.off();
    await page.context().close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pages(camera: Camera, page: Page, stack: Stack): Promise<void> {
  const at = (path: string) => () => page.goto(`${stack.box.url}${path}`);
  const [ready, pending] = studies;
  await camera.view(page, "studies", at("/studies"));
  await camera.view(page, "study", async () => {
    await at(`/studies/${ready?.uid}`)();
    await page.locator("main img").first().waitFor();
  });
  await camera.view(page, "dashboard", async () => {
    await at("/dashboard")();
    await page.locator(".recharts-surface").nth(2).waitFor();
  });
  await camera.view(page, "reports", at("/reports"));
  await camera.view(page, "report-ready", async () => {
    await at(`/reports/${ready?.report}`)();
    await page.getByTestId("pdf-view").waitFor();
  });
  await camera.view(page, "report-pending", at(`/reports/${pending?.report}`));
  await camera.view(page, "notifications", at("/notifications"));
  await camera.view(page, "settings", at("/settings"));
  for (const tab of ["users", "destinations", "modalities", "audit", "system"])
    await camera.view(page, `admin-${tab}`, at(`/admin/${tab}`));
  await camera.view(page, "admin-user-delete", async () => {
    await at("/admin/users")();
    await page.getByTestId(`user-${stack.radiologist.username}`).getByRole("button").last().click();
  });
  await camera.view(page, "admin-destination-add", async () => {
    await at("/admin/destinations")();
    await page.locator("main button").first().click();
    await page.locator("dialog[open]").waitFor();
  });
  await camera.view(page, "not-found", at("/nowhere"));
  await camera.view(page, "study-not-found", at("/studies/1.2.3"));
  await camera.view(page, "report-not-found", at("/reports/00000000-0000-4000-8000-000000000000"));
}

/** What the page says when the box refuses, and when it is gone. */
async function troubles(camera: Camera, page: Page, stack: Stack): Promise<void> {
  const problem = {
    type: "about:blank",
    title: "Internal error",
    status: 500,
    detail: "The catalogue cannot be read.",
    trace_id: "4bf92f3577b34da6",
  };
  const fail = (glob: string) =>
    page.route(glob, (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify(problem) }));
  for (const [name, glob] of [
    ["studies", "**/api/v1/studies?*"],
    ["reports", "**/api/v1/reports?*"],
    ["dashboard", "**/api/v1/upload/stats*"],
  ] as const)
    await camera.view(page, `error-${name}`, async () => {
      await fail(glob);
      await page.goto(`${stack.box.url}/${name}`);
      await page.locator("main").getByRole("alert").first().waitFor();
    });
  await page.unrouteAll();
  await page.goto(`${stack.box.url}/studies`);
  await expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state)).toBe("activated");
  await stack.box.off();
  try {
    await camera.view(page, "offline-studies", () => page.locator("section [role=status].text-bad").waitFor({ timeout: 60_000 }));
    for (const [name, path] of [
      ["upload", "/"],
      ["reports", "/reports"],
      ["settings", "/settings"],
    ] as const)
      await camera.view(page, `offline-${name}`, async () => {
        await page.goto(`${stack.box.url}${path}`);
        await page.locator("section [role=status].text-bad").waitFor({ timeout: 60_000 });
      });
  } finally {
    await stack.box.on();
  }
}

async function uploads(camera: Camera, browser: Browser, stack: Stack, language: string, user: Account): Promise<void> {
  const line = await Line.to(stack.box.port);
  const page = await open(browser, language);
  const [small, other, large] = [
    writeCt(stack.folder, { images: 2 }),
    writeCt(stack.folder, { images: 2, name: "SMITH-JONES^ALEXANDRA MARGUERITE" }),
    writeCt(stack.folder, { images: 30, size: 512, name: "BAKER^TOM" }),
  ];
  const notes = join(stack.folder, "notes.txt");
  writeFileSync(notes, "plain text");
  try {
    await signIn(page, { box: line }, user).catch(() => undefined);
    await camera.view(page, "upload", () => page.goto(`${line.url}/`));
    await camera.view(page, "upload-nothing", () => choose(page, [notes]));
    await camera.view(page, "upload-new", () => page.goto(`${line.url}/upload-new`));
    await camera.view(page, "upload-new-studies", async () => {
      await page.getByTestId("file-input").setInputFiles([...small.files, ...other.files, notes]);
      await page.getByTestId("start-upload-btn").waitFor();
    });
    await camera.view(page, "metadata", async () => {
      await page.goto(`${line.url}/`);
      await choose(page, [...small.files, notes]);
      await page.locator("#clinicalHistory").waitFor();
    });
    await camera.view(page, "metadata-refused", () => page.getByTestId("confirm-upload-button").click());
    await camera.view(page, "progress-done", async () => {
      await page.locator("#clinicalHistory").fill("Cough");
      await page.getByTestId("confirm-upload-button").click();
      await page.getByTestId("upload-success-message").waitFor();
    });
    await camera.view(page, "complete", async () => {
      await page.getByTestId("receipt-link").click();
      await expect(page).toHaveURL(/complete/);
      await page.getByTestId("upload-complete-banner").waitFor();
    });
    await camera.view(page, "duplicate", async () => {
      await page.goto(`${line.url}/`);
      await choose(page, small.files);
      await page.locator("#clinicalHistory").fill("Cough");
      await page.getByTestId("confirm-upload-button").click();
      await page.locator("dialog[open]").waitFor();
    });
    await page.goto(`${line.url}/`);
    await choose(page, large.files);
    await page.locator("#clinicalHistory").fill("Cough");
    line.rate = 300_000;
    await camera.view(page, "progress", async () => {
      await page.getByTestId("confirm-upload-button").click();
      await page.locator("[role=progressbar]").first().waitFor();
      await expect.poll(() => page.locator("[role=progressbar]").first().getAttribute("aria-valuenow")).not.toBe("0");
    });
    await camera.view(page, "progress-cancel", () => page.locator("main button").nth(1).click());
    await page.keyboard.press("Escape");
    await camera.view(page, "leave", () => page.locator("header button").last().click());
    await page.keyboard.press("Escape");
    await camera.view(page, "progress-paused", () => page.locator("main button").first().click());
    await camera.view(page, "upload-unfinished", () => page.goto(`${line.url}/`));
    await camera.view(page, "progress-waiting", async () => {
      await page.locator("main li button").first().click();
      line.off();
      await page.locator("main [role=status]").first().waitFor({ timeout: 60_000 });
    });
  } finally {
    line.off();
    await page.context().close();
  }
}

for (const language of LANGUAGES)
  test(`pictures in ${language}`, async ({ browser, stack }) => {
    test.setTimeout(1_800_000);
    if (studies.length === 0) await fill(browser, stack);
    const camera = new Camera(FOLDER, language);
    const admin = await account(stack.box, stack.admin, "admin", `admin-${language}`, language);
    const person = await account(stack.box, stack.admin, "clinician", `person-${language}`, language);
    await signingIn(camera, browser, stack, language, await account(stack.box, stack.admin, "clinician", `second-${language}`, language));
    await settingUp(camera, browser, language);
    await uploads(camera, browser, stack, language, person);
    const page = await open(browser, language);
    await signIn(page, stack, admin).catch(() => undefined);
    await pages(camera, page, stack);
    await troubles(camera, page, stack);
    const told = await open(browser, language);
    const clara = await stack.box.signedIn(stack.clinician);
    const { body } = await stack.box.api("GET", "/auth/me", clara.token);
    await stack.box.api("PATCH", "/auth/me", clara.token, { preferences: { ...(body.preferences as object), language } });
    await signIn(told, stack, stack.clinician, "/notifications").catch(() => undefined);
    await camera.view(told, "notifications-some", () => told.getByTestId("notification").first().waitFor());
    const reader = await account(stack.box, stack.admin, "radiologist", `reader-${language}`, language);
    const theirs = await open(browser, language);
    await signIn(theirs, stack, reader, "/admin/users").catch(() => undefined);
    await camera.view(theirs, "no-role");
    await camera.view(theirs, "report-reader", () => theirs.goto(`${stack.box.url}/reports/${studies[1]?.report}`));
    contactSheets(FOLDER);
    expect(camera.missed).toEqual([]);
  });
