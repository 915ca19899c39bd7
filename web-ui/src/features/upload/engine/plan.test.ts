import { expect, test } from "vitest";
import { type Chunk, missingChunks, PackSizer } from "./plan";

const MIB = 1024 * 1024;
const none = () => new Set<number>();

test("chunks cover each file without gap or overlap, the last one is shorter", () => {
  const chunks = missingChunks(
    [
      { fileId: "a", name: "a", size: 2500 },
      { fileId: "b", name: "b", size: 1000 },
    ],
    1000,
    none,
  );
  expect(chunks).toEqual([
    { file: 0, index: 0, start: 0, size: 1000 },
    { file: 0, index: 1, start: 1000, size: 1000 },
    { file: 0, index: 2, start: 2000, size: 500 },
    { file: 1, index: 0, start: 0, size: 1000 },
  ]);
});

test("what the box has, and files that failed, are left out", () => {
  const files = [
    { fileId: "a", name: "a", size: 3000 },
    { fileId: "b", name: "b", size: 10, error: "x" },
    { fileId: "c", name: "c", size: 10 },
  ];
  const chunks = missingChunks(files, 1000, (id) => (id === "c" ? "all" : new Set([1])));
  expect(chunks.map(({ file, index }) => [file, index])).toEqual([
    [0, 0],
    [0, 2],
  ]);
});

const queue = (count: number, size: number): Chunk[] =>
  Array.from({ length: count }, (_, index) => ({ file: 0, index, start: index * size, size }));

test("a request begins with 5 MiB, doubles to 16 while it is quick, halves to one while it is slow", () => {
  const sizer = new PackSizer();
  const sizes = [sizer.mib];
  for (const ms of [100, 100, 100, 4000, 9000, 9000, 9000, 9000, 9000]) {
    sizer.took(ms);
    sizes.push(sizer.mib);
  }
  expect(sizes).toEqual([5, 10, 16, 16, 16, 8, 4, 2, 1, 1]);
});

test("a request holds what fits, at least one chunk, at most 64", () => {
  const sizer = new PackSizer();
  const large = queue(9, MIB);
  expect(sizer.take(large)).toHaveLength(5);
  expect(large).toHaveLength(4);
  expect(sizer.take(queue(200, 10))).toHaveLength(64);
  expect(sizer.take(queue(2, 8 * MIB))).toHaveLength(1);
  expect(sizer.take([])).toEqual([]);
});

test("the reader's limit holds, and a refusal for size makes it one", () => {
  const sizer = new PackSizer(2);
  expect(sizer.mib).toBe(2);
  sizer.took(1);
  expect(sizer.mib).toBe(2);
  expect(sizer.tooLarge()).toBe(true);
  expect(sizer.mib).toBe(1);
  expect(sizer.tooLarge()).toBe(false);
});

test("a line that breaks gets smaller requests, and larger ones again once enough arrived", () => {
  const sizer = new PackSizer(16);
  sizer.took(100);
  expect(sizer.mib).toBe(10);
  sizer.broke();
  expect(sizer.mib).toBe(5);
  for (let n = 1; n < 16; n += 1) sizer.took(100);
  expect(sizer.mib).toBe(5);
  sizer.took(100);
  expect(sizer.mib).toBe(10);
  for (let n = 0; n < 9; n += 1) sizer.broke();
  expect(sizer.mib).toBe(1);
});
