import type { ChosenFile, Draft, DraftStudy, Head, StudyForm } from "@/store/draft";

/** Modalities people choose from; any other defined term of a file is kept. */
export const MODALITIES = ["CT", "MR", "CR", "DX", "US", "XA", "RF", "MG", "NM", "PT", "OT"] as const;

const SYNONYMS: Record<string, string> = { XR: "DX", XC: "RF", MRI: "MR", PET: "PT" };
export const normalModality = (term: string) => SYNONYMS[term.toUpperCase()] ?? term.toUpperCase();

/** `20260102` as `2026-01-02`, for a date field; empty for anything else. */
export function isoDate(dicom: string): string {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})/.exec(dicom);
  return match ? `${match[1]}-${match[2]}-${match[3]}` : "";
}

/** `045Y` as `45Y`. */
export const shortAge = (age: string) => age.replace(/^0+(?=\d+[DWMY]$)/, "");

/** What a head fills into the form; only what it says. */
export function formOf(head: Head): Partial<StudyForm> {
  const sex = head.sex.toUpperCase();
  const all: StudyForm = {
    patientName: head.patientName,
    studyDate: isoDate(head.studyDate),
    modality: head.modality ? normalModality(head.modality) : "",
    age: shortAge(head.age),
    gender: ["M", "F", "O"].includes(sex) ? sex : "",
    studyDescription: head.studyDescription,
    clinicalHistory: "",
    serviceLevel: "",
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "")) as Partial<StudyForm>;
}

/**
 * Files by study, in the order in which they were met. What has no study (unreadable heads, ZIP) makes one study of its own, to be filled in
 * by hand.
 */
export function studiesOf(files: ChosenFile[], defaults: { serviceLevel: string }): DraftStudy[] {
  const byKey = new Map<string, ChosenFile[]>();
  for (const file of files) {
    const key = file.head?.studyUid || (file.head ? `${file.head.patientId}|${file.head.patientName}|${file.head.studyDate}` : "unread");
    const group = byKey.get(key);
    if (group) group.push(file);
    else byKey.set(key, [file]);
  }
  return [...byKey].map(([key, group]) => {
    const fromFile = firstThatSays(group);
    const form: StudyForm = {
      patientName: "",
      studyDate: "",
      modality: "",
      age: "",
      gender: "",
      clinicalHistory: "",
      studyDescription: "",
      serviceLevel: defaults.serviceLevel,
      ...fromFile,
    };
    return { key, files: group, fromFile, form, included: true };
  });
}

/** Per field the first file that fills it. */
function firstThatSays(files: ChosenFile[]): Partial<StudyForm> {
  const found: Partial<StudyForm> = {};
  for (const { head } of files) {
    if (!head) continue;
    for (const [key, value] of Object.entries(formOf(head)) as [keyof StudyForm, string][]) found[key] ??= value;
  }
  return found;
}

/** The patients of a draft, by id and name: more than one must be confirmed. */
export function patientsOf(studies: DraftStudy[]): string[] {
  const patients = new Map<string, string>();
  for (const study of studies) {
    const head = study.files.find((file) => file.head)?.head;
    if (head) patients.set(`${head.patientId}|${head.patientName.toUpperCase()}`, head.patientName || head.patientId);
  }
  return [...patients.values()];
}

export type SeriesSummary = { uid: string; number: string; description: string; modality: string; files: number };

export function seriesOf(study: DraftStudy): SeriesSummary[] {
  const byUid = new Map<string, SeriesSummary>();
  for (const { head } of study.files) {
    if (!head) continue;
    const known = byUid.get(head.seriesUid);
    if (known) known.files += 1;
    else
      byUid.set(head.seriesUid, {
        uid: head.seriesUid,
        number: head.seriesNumber,
        description: head.seriesDescription,
        modality: head.modality,
        files: 1,
      });
  }
  return [...byUid.values()].sort((a, b) => Number(a.number) - Number(b.number));
}

export const sizeOf = (study: DraftStudy) => study.files.reduce((sum, file) => sum + file.size, 0);

export function newDraft(id: string, files: ChosenFile[], ignored: Draft["ignored"], defaults: { serviceLevel: string }): Draft {
  const now = Date.now();
  return { id, createdAt: now, savedAt: now, studies: studiesOf(files, defaults), ignored, stored: false, patientsConfirmed: false };
}
