import { z } from "zod/mini";

/** The form of one study; messages are ids under `form.`. */
export const studySchema = z.object({
  patientName: z.string().check(z.trim(), z.minLength(1, "form.required"), z.maxLength(324, "form.long")),
  studyDate: z.string().check(
    z.regex(/^\d{4}-\d{2}-\d{2}$/, "form.date"),
    z.refine((date) => !inFuture(date), "form.future"),
  ),
  modality: z.string().check(z.regex(/^[A-Z]{2,16}$/, "form.required")),
  age: z.string().check(z.trim(), z.regex(/^\d{1,3}[DWMY]$/i, "form.age")),
  gender: z.enum(["M", "F", "O"], "form.required"),
  clinicalHistory: z.string().check(z.trim(), z.minLength(1, "form.required"), z.maxLength(2000, "form.long")),
  studyDescription: z.string().check(z.maxLength(64, "form.long")),
  serviceLevel: z.enum(["stat", "emergency", "routine", "subspecialty"], "form.required"),
});

/** A day is in the future only when it is so everywhere: clocks and zones differ. */
function inFuture(date: string): boolean {
  return Date.parse(date) > Date.now() + 14 * 3_600_000;
}

/** `45` and `45y` mean `45Y`. */
export const normalAge = (age: string) => {
  const match = /^0*(\d{1,3})\s*([dwmyDWMY]?)$/.exec(age.trim());
  return match ? `${match[1]}${(match[2] || "Y").toUpperCase()}` : age;
};

/** Message ids by field; empty when the study can be sent. */
export function formProblems(form: Record<string, string>): Record<string, string> {
  const result = z.safeParse(studySchema, { ...form, age: normalAge(form.age ?? "") });
  if (result.success) return {};
  return Object.fromEntries(result.error.issues.map((issue) => [String(issue.path[0]), issue.message]));
}
