// Fails when the page uses a message that a language lacks, when a language has one that nobody uses, or when a translation
// has other placeholders than the English one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LOCALES = "src/i18n/locales";
const sources = readdirSync("src", { recursive: true }).filter((name) => /\.tsx?$/.test(name) && !/\.test\.|schema\.d/.test(name));
const text = sources.map((name) => readFileSync(join("src", name), "utf8")).join("\n");

/** Ids by msgstr of one .po file; what it holds is one line each. */
function read(file) {
  const entries = readFileSync(file, "utf8").matchAll(/^msgid "(.+)"\nmsgstr "(.*)"$/gm);
  return new Map([...entries].map(([, id, message]) => [id, message]));
}

const holes = (message) =>
  [...new Set([...message.matchAll(/\{(\w+)/g)].map(([, name]) => name).filter((name) => /^[a-z]/.test(name)))].sort().join(" ");
const catalogs = Object.fromEntries(
  readdirSync(LOCALES)
    .filter((name) => name.endsWith(".po"))
    .map((name) => [name.slice(0, -3), read(join(LOCALES, name))]),
);
const problems = [];

// Ids stand in the code as `t("a.b")`, as plain strings, or as templates whose holes are words.
const used = new Set([...text.matchAll(/"([a-z]+(?:\.[A-Za-z0-9_]+)*)"/g)].map(([, id]) => id));
const templates = [...new Set([...text.matchAll(/`([a-z]+[._][^`\n]*\$\{[^`\n]*)`/g)].map(([, template]) => template))].map(
  (template) => new RegExp(`^${template.replace(/[.]/g, "\\.").replace(/\$\{[^}]*\}/g, "[A-Za-z0-9_]+")}$`),
);
const called = [...text.matchAll(/\bt\(\s*"([^"]+)"/g)].map(([, id]) => id);
const branches = [...text.matchAll(/\bt\([^"`)]*\? "([^"]+)" : "([^"]+)"/g)].flatMap(([, a, b]) => [a, b]);

for (const [locale, catalog] of Object.entries(catalogs)) {
  for (const id of new Set([...called, ...branches])) if (!catalog.get(id)) problems.push(`${locale}: no message ${id}`);
  for (const [id, message] of catalogs.en) {
    const translated = catalog.get(id);
    if (!translated) problems.push(`${locale}: ${id} is not translated`);
    else if (!/plural/.test(message) && holes(message) !== holes(translated)) problems.push(`${locale}: ${id} has other placeholders`);
  }
  for (const id of catalog.keys()) {
    if (!used.has(id) && !templates.some((pattern) => pattern.test(id))) problems.push(`${locale}: nobody uses ${id}`);
  }
}

// The box's sentences: each language has the same with the same holes, and those that are to stand in the box's source do.
const BOX = "src/i18n/box";
const books = Object.fromEntries(
  readdirSync(BOX)
    .filter((name) => name.endsWith(".json"))
    .map((name) => [name.replace(/^words\.(.+)\.json$/, "$1"), JSON.parse(readFileSync(join(BOX, name), "utf8"))]),
);
const source = readdirSync("../appliance", { recursive: true })
  .filter((name) => name.endsWith(".rs"))
  .map((name) => readFileSync(join("../appliance", name), "utf8"))
  .join("\n");
const numbers = (sentence) => [...new Set([...sentence.matchAll(/\{(\d)/g)].map(([, number]) => number))];
for (const [language, book] of Object.entries(books)) {
  if (!catalogs[language]) problems.push(`${BOX}: no language ${language}`);
  for (const [other, { told, others }] of Object.entries(books))
    for (const sentence of Object.keys({ ...told, ...others }))
      if (!Object.hasOwn({ ...book.told, ...book.others }, sentence))
        problems.push(`${language}: the box's "${sentence}" of ${other} is missing`);
  for (const [sentence, meaning] of Object.entries({ ...book.told, ...book.others }))
    if (!meaning || numbers(meaning).some((number) => !numbers(sentence).includes(number)))
      problems.push(`${language}: "${sentence}" has other holes`);
  for (const sentence of Object.keys(book.told))
    for (const piece of sentence.split(/\{\d[?!-]?\}/))
      if (!source.includes(piece.trim())) problems.push(`${language}: the box does not say "${sentence}" any more`);
}
for (const language of Object.keys(catalogs))
  if (language !== "en" && !books[language]) problems.push(`${language}: the box's sentences are missing`);

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
if (problems.length === 0) process.stdout.write(`${catalogs.en.size} messages in ${Object.keys(catalogs).join(", ")}\n`);
