// Pictures of every page of a running box, for looking at: page × theme × language × width, into sheets/ (never committed).
//   BOX=http://127.0.0.1:8080 LOGIN=chief PASSWORD=… node scripts/sheet.mjs [path …]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { chromium } from "@playwright/test";

const { BOX = "http://127.0.0.1:8080", LOGIN, PASSWORD } = process.env;
if (!LOGIN || !PASSWORD) {
  process.stderr.write("LOGIN and PASSWORD of an administrator are needed\n");
  process.exit(2);
}
const PAGES = [
  "/",
  "/upload-new",
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
];
const pages = process.argv.length > 2 ? process.argv.slice(2) : PAGES;
const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
const browser = await chromium.launch({ ...(browserPath ? { executablePath: browserPath } : {}), args: ["--no-sandbox"] });
mkdirSync("sheets", { recursive: true });

async function api(method, path, token, body) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return (await fetch(`${BOX}/api/v1${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })).json();
}

const { access_token: token } = await api("POST", "/auth/login", null, { username: LOGIN, password: PASSWORD });
const { preferences } = await api("GET", "/auth/me", token);
const context = await browser.newContext();
const page = await context.newPage();
await page.goto(`${BOX}/login`);
await page.locator("#username").fill(LOGIN);
await page.locator("#password").fill(PASSWORD);
await page.getByTestId("login-button").click();
await page.locator("h1").first().waitFor();

for (const theme of ["light", "dark"])
  for (const language of ["en", "ar"]) {
    await api("PATCH", "/auth/me", token, { preferences: { ...preferences, theme, language } });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const pictures = [];
      for (const path of pages) {
        await page.goto(`${BOX}${path}`);
        await page.waitForLoadState("networkidle", { timeout: 5000 }).catch(() => undefined);
        const file = `sheets/${theme}-${language}-${width}${path.replaceAll("/", "_")}.png`;
        await page.screenshot({ path: file, fullPage: true });
        pictures.push(file);
      }
      const images = pictures.map(
        (file) => `<img src="data:image/png;base64,${readFileSync(file).toString("base64")}" width="${width / 2}">`,
      );
      writeFileSync(
        `sheets/${theme}-${language}-${width}.html`,
        `<body style="display:flex;flex-wrap:wrap;gap:8px;align-items:start">${images.join("")}`,
      );
    }
  }
await api("PATCH", "/auth/me", token, { preferences });
await browser.close();
process.stdout.write("sheets/*.html\n");
