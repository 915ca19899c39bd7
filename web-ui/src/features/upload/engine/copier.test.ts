import { expect, test } from "vitest";
import type { Keepable } from "@/store/files";
import { Copier, type CopyState } from "./copier";

const filesOf = (count: number, size = 10): Keepable[] =>
  Array.from({ length: count }, (_, n) => ({ fileId: `f${n}`, blob: new Blob([new Uint8Array(size)]) }));

/** A store whose transactions end when the test says so. */
function slowStore() {
  const packs: { ids: string[]; end: (error?: Error) => void }[] = [];
  const store = (_: string, files: Keepable[]) =>
    new Promise<void>((resolve, reject) => {
      packs.push({ ids: files.map(({ fileId }) => fileId), end: (error) => (error ? reject(error) : resolve()) });
    });
  return { store, packs };
}

test("files are copied in groups; who needs one waits for it and not for the others", async () => {
  const { store, packs } = slowStore();
  const copier = new Copier(store);
  const told: [number, CopyState][] = [];
  const kept = copier.keep("d1", filesOf(120), (done, state) => told.push([done, state]));
  let there = false;
  const first = copier.settled("d1", ["f3", "f49"]).then(() => {
    there = true;
  });
  let late = false;
  const last = copier.settled("d1", ["f119"]).then(() => {
    late = true;
  });
  await Promise.resolve();
  expect([packs[0]?.ids.length, there]).toEqual([50, false]);
  packs[0]?.end();
  await first;
  expect(late).toBe(false);
  packs[1]?.end();
  await expect.poll(() => packs.length).toBe(3);
  packs[2]?.end();
  expect(await kept).toBe("stored");
  await last;
  expect(told).toEqual([
    [50, "copying"],
    [100, "copying"],
    [120, "stored"],
  ]);
  expect(copier.original("d1", "f1")).toBeUndefined();
});

test("where there is no room, the chosen files themselves are given", async () => {
  const { store, packs } = slowStore();
  const copier = new Copier(store);
  const files = filesOf(60);
  const kept = copier.keep("d1", files, () => undefined);
  packs[0]?.end();
  await expect.poll(() => packs.length).toBe(2);
  packs[1]?.end(new DOMException("no room", "QuotaExceededError"));
  expect(await kept).toBe("full");
  await copier.settled("d1", ["f55"]);
  expect(copier.original("d1", "f55")).toBe(files[55]?.blob);
  expect(copier.original("d1", "f1")).toBeUndefined();
  copier.forget(
    "d1",
    files.map(({ fileId }) => fileId),
  );
  expect(copier.original("d1", "f55")).toBeUndefined();
});

test("a large file goes alone, and what is forgotten is not copied", async () => {
  const { store, packs } = slowStore();
  const copier = new Copier(store);
  const large = { fileId: "big", blob: { size: 40 * 1024 * 1024 } as Blob };
  const kept = copier.keep("d1", [large, ...filesOf(2)], () => undefined);
  expect(packs[0]?.ids).toEqual(["big"]);
  copier.forget("d1", ["f0"]);
  packs[0]?.end();
  await expect.poll(() => packs.length).toBe(2);
  expect(packs[1]?.ids).toEqual(["f1"]);
  packs[1]?.end();
  expect(await kept).toBe("stored");
});

test("nothing to copy is stored at once", async () => {
  const { store, packs } = slowStore();
  expect(await new Copier(store).keep("d1", [], () => undefined)).toBe("stored");
  expect(packs).toEqual([]);
});
