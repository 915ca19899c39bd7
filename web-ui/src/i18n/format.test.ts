import { expect, test } from "vitest";
import { ago, bytes, dicomDate, duration, moment, personName, regional } from "./format";
import { isLanguage, preferred } from "./languages";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

test.each([
  [0, "en", "0 bytes"],
  [1, "en", "1 byte"],
  [999, "en", "999 bytes"],
  [1500, "en", "1.5 kB"],
  [1_234_000, "en", "1.2 MB"],
  [999_600, "en", "1 MB"],
  [250_000_000, "en", "250 MB"],
  [2_000_000_000_000, "en", "2 TB"],
  [1_234_000, "fr", "1,2 Mo"],
])("%i bytes in %s", (value, locale, expected) => expect(plain(bytes(value, locale))).toBe(expected));

test.each([
  [0, "0 sec"],
  [59, "59 sec"],
  [90, "2 min"],
  [3700, "1 hr 1 min"],
  [90_000, "1 day 1 hr"],
])("%i seconds", (seconds, expected) => expect(plain(duration(seconds, "en"))).toBe(expected));

test("times of the box are shown in the viewer's zone, days of DICOM are never moved", () => {
  expect(dicomDate("20260101", "en-GB")).toBe("1 Jan 2026");
  expect(dicomDate("2026-01-01", "en-GB")).toBe("1 Jan 2026");
  expect(dicomDate("not known", "en")).toBe("not known");
  expect(dicomDate(null, "en")).toBe("");
  expect(moment("nonsense", "en")).toBe("nonsense");
  expect(moment("2026-01-01T12:00:00Z", "en", "full")).toContain("2026");
  expect(moment("2026-01-01T12:00:00Z", "en", "time")).toMatch(/\d+:\d\d:\d\d/);
});

test.each([
  ["2026-01-01T12:00:00Z", "now"],
  ["2026-01-01T11:50:00Z", "10 minutes ago"],
  ["2026-01-01T09:00:00Z", "3 hours ago"],
  ["2025-12-31T12:00:00Z", "yesterday"],
  ["2025-12-01T12:00:00Z", "Dec 1, 2025"],
])("%s is %s", (at, expected) => expect(ago(at, "en", Date.parse("2026-01-01T12:00:00Z"))).toContain(expected));

test.each([
  ["DOE^JANE", "DOE, JANE"],
  ["DOE^JANE^MARY^DR", "DOE, JANE MARY"],
  ["=山田^太郎", "山田, 太郎"],
  ["SMITH", "SMITH"],
  ["^ONLY", "ONLY"],
  [null, ""],
])("the name %s reads %s", (raw, expected) => expect(personName(raw)).toBe(expected));

test("the browser's languages decide until somebody chooses", () => {
  expect(preferred(["pt-BR", "ar-EG", "en"])).toBe("ar");
  expect(preferred(["xx"])).toBe("en");
  expect(isLanguage("fr")).toBe(true);
  expect(isLanguage("toString")).toBe(false);
  expect(regional("en", ["fr", "en-GB"])).toBe("en-GB");
  expect(regional("ar", ["fr"])).toBe("ar");
});
