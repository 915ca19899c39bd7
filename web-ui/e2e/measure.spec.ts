import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "@playwright/test";
import { bareLoop } from "./support/bare";
import { type Account, Box } from "./support/box";
import { Chrome, type Tab } from "./support/cdp";
import { writeCt } from "./support/ct";

// Figures, never pass or fail: MEASURE=400,2000 npm run e2e -- measure (images of 0.5 MB a set; 2000 are 1 GB). In each round the same files go
// through the page and through a bare loop in another tab of the same browser, in turns. Both end when the box has acknowledged the last byte.
// RELAYPACS_BIN: a release build. MEASURE_PROFILE: where the browser keeps its profile, for instance another disk than the box's.
const SETS = (process.env.MEASURE ?? "").split(",").filter(Boolean).map(Number);
const ROUNDS = Number(process.env.MEASURE_ROUNDS ?? 3);
test.use({ trace: "off", video: "off", screenshot: "off" });
test.skip(SETS.length === 0, "figures are asked for by MEASURE=400,2000");

type Bench = { box: Box; chrome: Chrome; page: Tab; bare: Tab; folder: string; account: Account };

async function bench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "relaypacs-measure-"));
  const profile = mkdtempSync(join(process.env.MEASURE_PROFILE ?? tmpdir(), "relaypacs-measure-profile-"));
  mkdirSync(join(folder, "box"));
  const box = await Box.start(join(folder, "box"), null);
  const chrome = new Chrome(profile);
  try {
    const account = await box.admin();
    const page = await chrome.tab(`${box.url}/`);
    await page.until("document.querySelector('#username')");
    await page.type("#username", account.username);
    await page.type("#password", account.password);
    await page.value("document.querySelector('[data-testid=login-button]').click()");
    await page.until("document.querySelector('[title=Logout]')");
    const bare = await chrome.tab(`${box.url}/healthz`);
    await run({ box, chrome, page, bare, folder, account });
  } finally {
    await chrome.off();
    await box.off();
    for (const place of [folder, profile]) rmSync(place, { recursive: true, force: true });
  }
}

/** Notes when files were chosen and when the form was sent, and the longest task of the main thread. */
const WATCH = `(() => {
  const now = () => performance.timeOrigin + performance.now();
  globalThis.seen = { chosen: 0, confirmed: 0, longest: 0, tasks: 0 };
  addEventListener("change", ({ target }) => { if (target.type === "file") seen.chosen = now(); }, true);
  addEventListener("submit", () => { seen.confirmed = now(); }, true);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) { seen.longest = Math.max(seen.longest, duration); seen.tasks += 1; }
  }).observe({ type: "longtask" });
})()`;

/** In the worker: when the last answer to a batch came. */
const NOTE_BATCHES = `(() => {
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    if (url.endsWith("/batch")) this.addEventListener("load", () => { self.acknowledged = performance.timeOrigin + performance.now(); });
    return open.call(this, method, url, ...rest);
  };
})()`;
type Seen = { chosen: number; confirmed: number; longest: number; tasks: number };

async function start(page: Tab, url: string): Promise<void> {
  await page.send("Page.navigate", { url: `${url}/` });
  await page.until("document.querySelector('input[type=file]')");
  await page.send("Page.bringToFront");
  await page.value(WATCH);
}

type Run = { seconds: number; whole: number; cpu: number; renderers: number; box: number; longest: number };

/** `slowly`: the form is sent when the copy of the files is there, as it is when a person fills it in; `at once`: in the first moment. */
async function throughPage({ chrome, page, box }: Bench, files: string[], filledIn: "slowly" | "at once"): Promise<Run> {
  await start(page, box.url);
  await page.choose("input[type=file]", files);
  const worker = await page.worker(/\/worker-/);
  await worker.value(NOTE_BATCHES);
  await page.until("document.querySelector('#clinicalHistory')");
  await page.type("#clinicalHistory", "Cough");
  if (filledIn === "slowly") await page.until("document.body.innerText.includes('You may eject')");
  const before = await chrome.cpu();
  const boxBefore = box.cpu();
  await page.value("document.querySelector('[data-testid=confirm-upload-button]').click()");
  await page.until("document.querySelector('[data-testid=upload-success-message]')");
  const after = await chrome.cpu();
  const seen = await page.value<Seen>("seen");
  const ended = await worker.value<number>("acknowledged");
  return {
    seconds: (ended - seen.confirmed) / 1000,
    whole: (ended - seen.chosen) / 1000,
    cpu: after.all - before.all,
    renderers: after.renderers - before.renderers,
    box: box.cpu() - boxBefore,
    longest: seen.longest,
  };
}

async function throughLoop({ chrome, bare, box, account }: Bench, files: string[]): Promise<Run> {
  const { token } = await box.signedIn(account);
  await bare.send("Page.bringToFront");
  await bare.value("document.body.innerHTML = '<input type=file multiple>'");
  await bare.choose("input", files);
  const before = await chrome.cpu();
  const boxBefore = box.cpu();
  const { seconds, upload } = await bare.value<{ seconds: number; upload: string }>(`(${bareLoop})(${JSON.stringify(token)})`);
  const after = await chrome.cpu();
  const run = {
    seconds,
    whole: seconds,
    cpu: after.all - before.all,
    renderers: after.renderers - before.renderers,
    box: box.cpu() - boxBefore,
    longest: 0,
  };
  await box.api("DELETE", `/upload/${upload}`, token);
  return run;
}

/** Until the box has nothing left to do of what came before, and the disks are quiet. */
async function calm(box: Box): Promise<void> {
  execFileSync("sync");
  for (let busy = box.cpu(), n = 0; n < 60; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = box.cpu();
    if (now - busy < 0.03) return;
    busy = now;
  }
}

const spread = (values: number[], digits = 2) => {
  const sorted = [...values].sort((a, b) => a - b);
  const median =
    sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2;
  return [sorted[0], median, sorted.at(-1)].map((value) => (value ?? 0).toFixed(digits)).join(" / ");
};

type Round = { page: Run; hasty: Run; loop: Run };

function tell(images: number, mb: number, rounds: Round[]): void {
  const of = (value: (round: Round) => number, digits?: number) => spread(rounds.map(value), digits);
  const processor = (which: keyof Round) =>
    `${of((round) => round[which].renderers)} s in renderers, ${of((round) => round[which].cpu)} s in all of the browser, ${of((round) => round[which].box)} s in the box`;
  const lines: [string, string][] = [
    ["page, Confirm to acknowledged", `${of(({ page }) => mb / page.seconds, 1)} MB/s`],
    ["page, choosing to acknowledged", `${of(({ hasty }) => mb / hasty.whole, 1)} MB/s (form sent in the first moment, beside the copy)`],
    ["bare loop", `${of(({ loop }) => mb / loop.seconds, 1)} MB/s`],
    ["page to loop, from Confirm", of(({ page, loop }) => loop.seconds / page.seconds)],
    ["page to loop, from choosing", of(({ hasty, loop }) => loop.seconds / hasty.whole)],
    ["processor, page", processor("page")],
    ["processor, bare loop", processor("loop")],
    ["longest task of the page", `${of(({ page, hasty }) => Math.max(page.longest, hasty.longest), 0)} ms`],
  ];
  const text = lines.map(([what, figures]) => `  ${`${what}:`.padEnd(34)}${figures}`).join("\n");
  process.stdout.write(`${images} files, ${mb.toFixed(0)} MB, ${rounds.length} rounds (smallest / median / largest)\n${text}\n`);
}

const ORDERS = [
  ["page", "loop", "hasty"],
  ["loop", "hasty", "page"],
  ["hasty", "page", "loop"],
] as const;

for (const images of SETS)
  test(`upload speed of ${images} files`, async () => {
    test.setTimeout(1_800_000);
    await bench(async (bench) => {
      const rounds: Round[] = [];
      let mb = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const runs: Partial<Round> = {};
        const sets = [0, 1].map(() => writeCt(bench.folder, { images, size: 512 }));
        const filesOf = (which: keyof Round) => (sets[which === "hasty" ? 1 : 0] as (typeof sets)[number]).files;
        mb = filesOf("page").reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
        for (const which of ORDERS[round % 3] ?? []) {
          await calm(bench.box);
          if (which === "loop") runs.loop = await throughLoop(bench, filesOf("loop"));
          else runs[which] = await throughPage(bench, filesOf(which), which === "page" ? "slowly" : "at once");
        }
        rounds.push(runs as Round);
        if (process.env.MEASURE_VERBOSE) process.stdout.write(`${JSON.stringify(runs)}\n`);
        for (const { folder } of sets) rmSync(folder, { recursive: true });
      }
      tell(images, mb, rounds);
    });
  });

test("5,000 files dropped at once", async () => {
  test.setTimeout(1_800_000);
  await bench(async ({ page, box, folder }) => {
    const lines: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const ct = writeCt(folder, { images: 5000, size: 16 });
      await start(page, box.url);
      await profiled(page, round === 0 ? process.env.MEASURE_CPUPROFILE : undefined, async () => {
        const dropped = await page.value<number>("performance.timeOrigin + performance.now()");
        await page.drop(ct.folder);
        await page.until("document.body.innerText.includes('5,000')");
        const counted = await page.value<number>("performance.timeOrigin + performance.now()");
        await page.until("document.querySelector('#clinicalHistory')");
        const form = await page.value<number>("performance.timeOrigin + performance.now()");
        const before = await page.value<Seen>("seen");
        await page.type("#clinicalHistory", "Cough");
        await page.value("document.querySelector('[data-testid=confirm-upload-button]').click()");
        await page.until("document.querySelector('[data-testid=upload-success-message]')");
        const done = await page.value<number>("performance.timeOrigin + performance.now()");
        const after = await page.value<Seen>("seen");
        const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(1)} s`;
        lines.push(
          `  counted after ${seconds(dropped, counted)}, form after ${seconds(dropped, form)}, longest task ${Math.round(before.longest)} ms; ` +
            `received and judged ${seconds(after.confirmed, done)} after Confirm, longest task of all ${Math.round(after.longest)} ms (${after.tasks} over 50 ms)`,
        );
      });
      rmSync(ct.folder, { recursive: true });
    }
    process.stdout.write(`5,000 files in a folder dropped at once, ${ROUNDS} rounds\n${lines.join("\n")}\n`);
  });
});

/** Writes a profile of the main thread into a file, where one is asked for. */
async function profiled(page: Tab, file: string | undefined, run: () => Promise<void>): Promise<void> {
  if (!file) return run();
  await page.send("Profiler.enable");
  await page.send("Profiler.start");
  await run();
  const { profile } = await page.send<{ profile: unknown }>("Profiler.stop");
  writeFileSync(file, JSON.stringify(profile));
}
