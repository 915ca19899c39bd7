import { readFileSync } from "node:fs";
import { i18n } from "@lingui/core";
import { expect, test } from "vitest";
import { words } from "./words";

const t = (id: string, values?: Record<string, unknown>) => `${id} ${JSON.stringify(values?.about ?? "").replace(/[\u2068\u2069]/g, "")}`;

const BOX = "../appliance";
const source = (path: string) => readFileSync(`${BOX}/${path}`, "utf8").replace(/\\\n\s*/g, "");

test.each([
  ["clinic/src/reports/news.rs", "{about} is on the box and waits for its report.", "note.assigned"],
  ["clinic/src/reports/news.rs", "The report on {about} can be read.", "note.ready"],
  ["clinic/src/reports/news.rs", "The radiologist needs more on {about}.", "note.more"],
  ["clinic/src/uploads/tell.rs", "The PACS has taken all of its images.", "note.taken"],
  ["clinic/src/uploads/tell.rs", "None of its files could be taken over. Open the upload to see why.", "note.refused"],
  [
    "clinic/src/uploads/tell.rs",
    "Its images are safe in the box, but cannot be delivered without help. A technician must look.",
    "note.held",
  ],
  ["clinic/src/events/destinations.rs", "{name} has been away for five minutes. Studies are kept and sent when it is back.", "note.away"],
  ["clinic/src/events/destinations.rs", "{name} is back. What waited for it is on its way.", "note.back"],
  ["clinic/src/events/apply.rs", "The buffer is filling up. Studies are still taken; see what waits and why.", "note.filling"],
  ["clinic/src/events/apply.rs", "The buffer is full: no more studies are taken until some are delivered.", "note.full"],
  ["clinic/src/sessions/mod.rs", "Somebody used an old sign-in of {device}, so it may have been copied. ", "note.copied"],
  ["src/panel/commands.rs", "Five wrong ones in a row. The panel takes none for five minutes.", "note.pins"],
])("what the box says in %s has a message of the page: %s", (path, sentence, id) => {
  expect(source(path)).toContain(sentence);
  const told = path.endsWith("tell.rs") ? `{patient}: ${sentence}` : sentence;
  const about = /\{\w+\}/.exec(told) ? "DOE, JANE" : "";
  expect(words(told.replace(/\{\w+\}/, "DOE^JANE"), t)).toBe(`${id} "${about}"`);
});

test("a sentence that the page does not know stays as it is, its names readable", () => {
  expect(words("DOE^JANE: something new.", t)).toBe("DOE, JANE: something new.");
});

test("in English the box's words are said again, names kept in their own direction", () => {
  expect(words("main is back. What waited for it is on its way.", (id, values) => i18n._(id, values))).toBe(
    "\u2068main\u2069 is back. What waited for it is on its way.",
  );
});
