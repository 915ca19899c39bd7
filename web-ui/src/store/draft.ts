import { userDatabase } from "./db";
import { deleteFiles } from "./files";

/** What a file's DICOM header says; empty text where the tag is empty. */
export type Head = {
  studyUid: string;
  seriesUid: string;
  sopUid: string;
  patientName: string;
  patientId: string;
  studyDate: string;
  modality: string;
  age: string;
  sex: string;
  studyDescription: string;
  seriesDescription: string;
  seriesNumber: string;
};

export type ChosenFile = { fileId: string; name: string; size: number; head: Head | null };

/** What the form holds for one study. */
export type StudyForm = {
  patientName: string;
  studyDate: string;
  modality: string;
  age: string;
  gender: string;
  clinicalHistory: string;
  studyDescription: string;
  serviceLevel: string;
};

export type DraftStudy = { key: string; files: ChosenFile[]; fromFile: Partial<StudyForm>; form: StudyForm; included: boolean };

/** Files that were chosen and not yet sent off. The bytes are in the `files` store under the draft's id. */
export type Draft = {
  id: string;
  createdAt: number;
  savedAt: number;
  studies: DraftStudy[];
  ignored: { name: string; reason: string }[];
  /** Everything is in this browser's store: the medium may be ejected. */
  stored: boolean;
  patientsConfirmed: boolean;
};

/** Saves what was typed. That the files are stored, once noted, stays: the worker notes it while a page still holds an older draft. */
export async function saveDraft(userId: string, draft: Draft): Promise<void> {
  const transaction = (await userDatabase(userId)).transaction("drafts", "readwrite");
  const stored = draft.stored || (await transaction.store.get(draft.id))?.stored === true;
  await transaction.store.put({ ...draft, stored, savedAt: Date.now() });
  await transaction.done;
}

/** Notes that all files of a draft are in the store; nothing to do where it was sent already. */
export async function noteStored(userId: string, id: string): Promise<void> {
  const transaction = (await userDatabase(userId)).transaction("drafts", "readwrite");
  const draft = await transaction.store.get(id);
  if (draft) await transaction.store.put({ ...draft, stored: true });
  await transaction.done;
}

export async function loadDraft(userId: string, id: string): Promise<Draft | undefined> {
  return (await userDatabase(userId)).get("drafts", id);
}

export async function listDrafts(userId: string): Promise<Draft[]> {
  const drafts = await (await userDatabase(userId)).getAll("drafts");
  return drafts.sort((a, b) => b.savedAt - a.savedAt);
}

/** Forgets a draft with its files. */
export async function deleteDraft(userId: string, draft: Draft): Promise<void> {
  await forgetDraft(userId, draft.id);
  await deleteFiles(userId, draft.id, idsOf(draft.studies));
}

/** Forgets a draft whose files are others' now. */
export async function forgetDraft(userId: string, id: string): Promise<void> {
  await (await userDatabase(userId)).delete("drafts", id);
}

export const idsOf = (studies: DraftStudy[]) => studies.flatMap(({ files }) => files.map(({ fileId }) => fileId));
