// Reports what Lighthouse measures of a box's sign-in page, median of three (never pass or fail): BOX=https://… node scripts/lighthouse.mjs
// Lighthouse 12 for performance, accessibility and best practices; 11.7.1 is the last that judges installability. Both come by npx.
import { execFileSync } from "node:child_process";

const { BOX = "http://127.0.0.1:8080", CHROME_PATH = "/usr/bin/chromium" } = process.env;
const RUNS = [
  ["lighthouse@12.8.2", ["performance", "accessibility", "best-practices"]],
  ["lighthouse@11.7.1", ["pwa"]],
];

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

for (const [version, categories] of RUNS) {
  const scores = new Map();
  for (let run = 0; run < 3; run += 1) {
    const args = [
      "--yes",
      version,
      `${BOX}/login`,
      "--quiet",
      "--output=json",
      `--only-categories=${categories}`,
      "--chrome-flags=--headless=new --no-sandbox --ignore-certificate-errors",
    ];
    const { categories: found, audits } = JSON.parse(
      execFileSync("npx", args, { env: { ...process.env, CHROME_PATH }, maxBuffer: 1 << 26 }).toString(),
    );
    for (const [id, { score }] of Object.entries(found)) scores.set(id, [...(scores.get(id) ?? []), score]);
    for (const id of ["first-contentful-paint", "interactive"])
      if (audits[id]?.numericValue) scores.set(id, [...(scores.get(id) ?? []), Math.round(audits[id].numericValue)]);
  }
  for (const [id, values] of scores) process.stdout.write(`${version} ${id}: ${median(values)} (${values.join(", ")})\n`);
}
