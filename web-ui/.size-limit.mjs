// Hard budgets of the built page (`npm run size`). What an address loads is found from the built files' own imports: no list has to be kept.
import { readdirSync, readFileSync } from "node:fs";

const ASSETS = "dist/assets";
const names = readdirSync(ASSETS);
const text = (name) => readFileSync(`${ASSETS}/${name}`, "utf8");

/** The file of this stem: `index` → `index-1a2b.js`. */
function named(stem, end = "js") {
  const found = names.filter((name) => name.startsWith(`${stem}-`) && name.endsWith(`.${end}`));
  if (found.length === 0) throw new Error(`no ${stem}-*.${end} in ${ASSETS}`);
  return found.sort((a, b) => text(b).length - text(a).length)[0];
}

/** A file and all it imports at once (not what it may load later). */
function closure(...entries) {
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [, path] of text(name).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) visit(path);
  };
  entries.forEach(visit);
  return seen;
}

const files = (names, without = new Set()) => [...names].filter((name) => !without.has(name)).map((name) => `${ASSETS}/${name}`);
const entry = closure(named("index"), named("en"));
const shell = new Set([...entry, ...closure(named("Frame"))]);
const upload = closure(named("ChoosePage"), named("MetadataPage"), named("ProgressPage"));
const precache = [...readFileSync("dist/sw.js", "utf8").matchAll(/"?url"?:\s*[`"']([\w./-]+\.\w+)[`"']/g)].map(([, url]) => `dist/${url}`);
if (precache.length < 10) throw new Error("the service worker's list of files was not found");

const zipped = (name, path, limit) => ({ name, path, limit, gzip: true, brotli: false });

export default [
  zipped("login: entry and words", files(entry), "125 kB"),
  zipped("upload, beyond login and frame", files(upload, shell), "60 kB"),
  zipped("upload worker", files([named("worker")]), "20 kB"),
  zipped("charts", files(closure(named("Charts")), shell), "125 kB"),
  zipped("error tracker", files(closure(named("sentry")), shell), "35 kB"),
  zipped("service worker", ["dist/sw.js"], "10 kB"),
  zipped("styles", files([named("index", "css")]), "12 kB"),
  { name: "precache, raw", path: precache, limit: "800 kB", gzip: false, brotli: false },
];
