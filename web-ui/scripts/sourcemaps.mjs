// Uploads the source maps of dist/ to the error tracker, so that stack traces name our files: SENTRY_URL (default https://sentry.io),
// SENTRY_ORG, SENTRY_PROJECT, SENTRY_AUTH_TOKEN and RELEASE (the box's version) say where to. The maps are never served by the box.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const { SENTRY_URL = "https://sentry.io", SENTRY_ORG, SENTRY_PROJECT, SENTRY_AUTH_TOKEN, RELEASE } = process.env;
for (const [name, value] of Object.entries({ SENTRY_ORG, SENTRY_PROJECT, SENTRY_AUTH_TOKEN, RELEASE })) {
  if (!value) {
    process.stderr.write(`${name} is not set\n`);
    process.exit(2);
  }
}

const release = encodeURIComponent(`relaypacs-web-ui@${RELEASE}`);
const projects = `${SENTRY_URL}/api/0/projects/${SENTRY_ORG}/${SENTRY_PROJECT}`;
const headers = { Authorization: `Bearer ${SENTRY_AUTH_TOKEN}` };

async function post(url, body, type) {
  const answer = await fetch(url, { method: "POST", headers: { ...headers, ...(type ? { "Content-Type": type } : {}) }, body });
  if (!answer.ok && answer.status !== 409) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

await post(`${projects}/releases/`, JSON.stringify({ version: decodeURIComponent(release) }), "application/json");
const files = readdirSync("dist/assets").filter((name) => /\.(js|js\.map)$/.test(name));
for (const name of files) {
  const form = new FormData();
  form.append("name", `~/assets/${name}`);
  form.append("file", new Blob([readFileSync(join("dist/assets", name))]), name);
  await post(`${projects}/releases/${release}/files/`, form);
}
process.stdout.write(`${files.length} files uploaded for ${decodeURIComponent(release)}\n`);
