import { expect, test } from "vitest";
import { formProblems, normalAge } from "./form";

const GOOD = {
  patientName: "DOE^JANE",
  studyDate: "2026-01-02",
  modality: "CT",
  age: "45Y",
  gender: "F",
  clinicalHistory: "cough",
  studyDescription: "",
  serviceLevel: "routine",
};

test("a complete form has no problem", () => expect(formProblems(GOOD)).toEqual({}));

test.each([
  [{ patientName: "  " }, { patientName: "form.required" }],
  [{ studyDate: "" }, { studyDate: "form.date" }],
  [{ studyDate: "2999-01-01" }, { studyDate: "form.future" }],
  [{ modality: "" }, { modality: "form.required" }],
  [{ age: "old" }, { age: "form.age" }],
  [{ gender: "" }, { gender: "form.required" }],
  [{ clinicalHistory: "x".repeat(2001) }, { clinicalHistory: "form.long" }],
  [{ serviceLevel: "soon" }, { serviceLevel: "form.required" }],
])("%o", (change, problems) => expect(formProblems({ ...GOOD, ...change })).toEqual(problems));

test.each([
  ["45", "45Y"],
  [" 045y ", "45Y"],
  ["6m", "6M"],
  ["10 D", "10D"],
  ["x", "x"],
])("age %s is %s", (typed, normal) => expect(normalAge(typed)).toBe(normal));
