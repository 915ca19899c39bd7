import { expect, test } from "vitest";
import { fromDrop, fromInput, isSystemFile } from "./collect";

let asked = 0;
let most = 0;

const fileEntry = (fullPath: string) =>
  ({
    isFile: true,
    isDirectory: false,
    fullPath,
    file: (done: (file: File) => void) => {
      asked += 1;
      most = Math.max(most, asked);
      setTimeout(() => {
        asked -= 1;
        done(new File(["x"], fullPath.split("/").at(-1) ?? ""));
      });
    },
  }) as unknown as FileSystemEntry;

/** A folder whose children come a hundred at a time, as in Chromium. */
const folderEntry = (fullPath: string, children: FileSystemEntry[]) =>
  ({
    isFile: false,
    isDirectory: true,
    fullPath,
    createReader: () => {
      let next = 0;
      return {
        readEntries: (done: (entries: FileSystemEntry[]) => void) => {
          const some = children.slice(next, next + 100);
          next += 100;
          queueMicrotask(() => done(some));
        },
      };
    },
  }) as unknown as FileSystemEntry;

const drop = (...entries: FileSystemEntry[]) =>
  ({ items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })), files: [] }) as unknown as DataTransfer;

test("folders are walked through, a few files at a time, and every file keeps its path", async () => {
  const many = Array.from({ length: 230 }, (_, n) => fileEntry(`/CD/DICOM/IM${n}`));
  const counts: number[] = [];
  const picked = await fromDrop(
    drop(folderEntry("/CD", [fileEntry("/CD/DICOMDIR"), folderEntry("/CD/DICOM", many)]), fileEntry("/alone")),
    (count) => counts.push(count),
  );
  expect(new Set(picked.map(({ name }) => name))).toEqual(new Set(["CD/DICOMDIR", "alone", ...many.map((_, n) => `CD/DICOM/IM${n}`)]));
  expect(most).toBeLessThanOrEqual(50);
  expect(counts.at(-1)).toBe(232);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
});

test("files without entries are taken as they are", async () => {
  const files = [new File(["x"], "a"), new File(["y"], "b")];
  const data = { items: [], files } as unknown as DataTransfer;
  expect((await fromDrop(data, () => undefined)).map(({ name }) => name)).toEqual(["a", "b"]);
  expect(fromInput(null)).toEqual([]);
});

test("what computers leave behind is known", () => {
  for (const name of ["CD/.DS_Store", "Thumbs.db", "a/desktop.ini", "__MACOSX/x/y", "b/._IM1"]) expect(isSystemFile(name)).toBe(true);
  for (const name of ["CD/DICOMDIR", "IM1", "x.DS_Store.dcm"]) expect(isSystemFile(name)).toBe(false);
});
