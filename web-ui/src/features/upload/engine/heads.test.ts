import { expect, test } from "vitest";
import { dicomFile } from "@/test/dicom";
import { decoder, readHead } from "./heads";
import { scan, scanFile } from "./scan";

const TAGS = {
  name: "DOE^JANE",
  id: "P-1",
  date: "20260102",
  modality: "CT",
  age: "045Y",
  sex: "F",
  study: "1.2.9",
  series: "1.2.9.1",
  seriesNumber: "3",
  studyDescription: "Chest",
};

test("a head says who, what and when", async () => {
  const result = await readHead(dicomFile(TAGS));
  expect(result).toEqual({
    kind: "head",
    head: {
      studyUid: "1.2.9",
      seriesUid: "1.2.9.1",
      sopUid: "1.2.3.4.5",
      patientName: "DOE^JANE",
      patientId: "P-1",
      studyDate: "20260102",
      modality: "CT",
      age: "045Y",
      sex: "F",
      studyDescription: "Chest",
      seriesDescription: "",
      seriesNumber: "3",
    },
  });
});

test("a head longer than the first read is read again", async () => {
  const result = await readHead(dicomFile({ ...TAGS, ballast: 200_000 }));
  expect(result).toMatchObject({ kind: "head", head: { patientName: "DOE^JANE", studyUid: "1.2.9" } });
});

test("a file is DICOM by its bytes, never by its name", async () => {
  expect(await readHead(new File(["x".repeat(400)], "image.dcm"))).toEqual({ kind: "not_dicom" });
  expect(await readHead(new File(["short"], "a.dcm"))).toEqual({ kind: "not_dicom" });
});

test("a file that begins like DICOM and goes on as noise is unreadable", async () => {
  const noise = new Uint8Array(300).fill(0xff);
  noise.set(new TextEncoder().encode("DICM"), 128);
  expect(await readHead(new File([noise], "x"))).toEqual({ kind: "unreadable" });
});

test.each([
  ["ISO_IR 100", new Uint8Array([0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72]), "Müller"],
  ["ISO_IR 192", new TextEncoder().encode("山田^太郎"), "山田^太郎"],
  ["ISO_IR 144", new Uint8Array([0xbb, 0xee, 0xda, 0xe1]), "Люкс"],
  ["\\ISO 2022 IR 87", new Uint8Array([0x1b, 0x24, 0x42, 0x3b, 0x33, 0x45, 0x44, 0x1b, 0x28, 0x42]), "山田"],
  ["\\ISO 2022 IR 149", new Uint8Array([0x1b, 0x24, 0x29, 0x43, 0xb1, 0xe8]), "김"],
  ["", new TextEncoder().encode("SMITH  "), "SMITH"],
  ["NO SUCH SET", new TextEncoder().encode("PLAIN"), "PLAIN"],
])("text of %s is read", (charset, bytes, expected) => {
  expect(decoder(charset)(bytes)).toBe(expected);
});

test("what was chosen is told apart", async () => {
  const files = [dicomFile(TAGS), new File(["PK\u0003\u0004rest"], "a.zip"), new File(["hello"], "readme.txt"), new File([], "empty")];
  const kinds = await Promise.all(files.map(async (file, place) => (await scanFile(file, place)).kind));
  expect(kinds).toEqual(["dicom", "zip", "not_dicom", "empty"]);
});

test("a scan tells of every file once", async () => {
  const files = Array.from({ length: 250 }, () => dicomFile(TAGS) as Blob);
  const seen: number[] = [];
  await scan(files, 1000, (results) => seen.push(...results.map(({ place }) => place)));
  expect(seen.sort((a, b) => a - b)).toEqual(files.map((_, n) => 1000 + n));
});

test("a file whose bytes are gone counts as not DICOM", async () => {
  const gone = { size: 10, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }) } as unknown as Blob;
  expect((await scanFile(gone, 3)).kind).toBe("not_dicom");
});
