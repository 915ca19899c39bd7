import { expect, test } from "vitest";
import type { ChosenFile, Head } from "@/store/draft";
import { formOf, isoDate, newDraft, normalModality, patientsOf, seriesOf, shortAge, sizeOf, studiesOf } from "./chosen";

const HEAD: Head = {
  studyUid: "1",
  seriesUid: "1.1",
  sopUid: "s",
  patientName: "DOE^JANE",
  patientId: "P1",
  studyDate: "20260102",
  modality: "CT",
  age: "045Y",
  sex: "F",
  studyDescription: "",
  seriesDescription: "Axial",
  seriesNumber: "2",
};
const file = (head: Partial<Head> | null, fileId = "f"): ChosenFile => ({
  fileId,
  name: fileId,
  size: 10,
  head: head && { ...HEAD, ...head },
});

test("files go to their studies in the order they were met", () => {
  const studies = studiesOf([file({}), file({ studyUid: "2" }), file({}), file(null)], { serviceLevel: "stat" });
  expect(studies.map(({ key, files }) => [key, files.length])).toEqual([
    ["1", 2],
    ["2", 1],
    ["unread", 1],
  ]);
  expect(studies[0]?.form).toMatchObject({
    patientName: "DOE^JANE",
    studyDate: "2026-01-02",
    modality: "CT",
    age: "45Y",
    gender: "F",
    serviceLevel: "stat",
    clinicalHistory: "",
  });
  expect(studies[2]?.fromFile).toEqual({});
});

test("each field is filled by the first file that says it", () => {
  const [study] = studiesOf([file({ patientName: "", modality: "" }), file({ modality: "MR" })], { serviceLevel: "routine" });
  expect(study?.fromFile).toMatchObject({ patientName: "DOE^JANE", modality: "MR" });
});

test("studies without a UID are told apart by patient and date", () => {
  expect(studiesOf([file({ studyUid: "" }), file({ studyUid: "", patientId: "P2" })], { serviceLevel: "routine" })).toHaveLength(2);
});

test("two patients are noticed, two spellings of one are not", () => {
  const of = (...names: [string, string][]) =>
    patientsOf(
      studiesOf(
        names.map(([id, name], n) => file({ studyUid: String(n), patientId: id, patientName: name })),
        { serviceLevel: "routine" },
      ),
    );
  expect(of(["P1", "DOE^JANE"], ["P1", "Doe^Jane"])).toHaveLength(1);
  expect(of(["P1", "DOE^JANE"], ["P2", "DOE^JOHN"])).toEqual(["DOE^JANE", "DOE^JOHN"]);
});

test("series are counted and ordered by number", () => {
  const [study] = studiesOf(
    [file({ seriesUid: "b", seriesNumber: "10" }), file({ seriesUid: "a", seriesNumber: "2" }), file({ seriesUid: "a" })],
    { serviceLevel: "routine" },
  );
  if (!study) throw new Error("no study");
  expect(seriesOf(study).map(({ uid, files }) => [uid, files])).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(sizeOf(study)).toBe(30);
  expect(newDraft("d", study.files, [], { serviceLevel: "routine" })).toMatchObject({ id: "d", stored: false, patientsConfirmed: false });
});

test.each([
  ["XR", "DX"],
  ["xc", "RF"],
  ["MRI", "MR"],
  ["PET", "PT"],
  ["CT", "CT"],
  ["SEG", "SEG"],
])("modality %s is %s", (term, normal) => expect(normalModality(term)).toBe(normal));
test.each([
  ["20260102", "2026-01-02"],
  ["2026.01.02", "2026-01-02"],
  ["", ""],
  ["unknown", ""],
])("date %s is %s", (date, iso) => expect(isoDate(date)).toBe(iso));
test.each([
  ["045Y", "45Y"],
  ["006M", "6M"],
  ["000D", "0D"],
  ["45Y", "45Y"],
  ["", ""],
])("age %s is %s", (age, short) => expect(shortAge(age)).toBe(short));
test("a sex that is none of the three is left to be chosen", () => expect(formOf({ ...HEAD, sex: "U" }).gender).toBeUndefined());
