import { userDatabase } from "./db";

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

export async function saveDraft(userId: string, draft: Draft): Promise<void> {
  await (await userDatabase(userId)).put("drafts", { ...draft, savedAt: Date.now() });
}

export async function loadDraft(userId: string, id: string): Promise<Draft | undefined> {
  return (await userDatabase(userId)).get("drafts", id);
}

export async function listDrafts(userId: string): Promise<Draft[]> {
  const drafts = await (await userDatabase(userId)).getAll("drafts");
  return drafts.sort((a, b) => b.savedAt - a.savedAt);
}

export async function deleteDraft(userId: string, id: string): Promise<void> {
  const db = await userDatabase(userId);
  await db.delete("drafts", id);
  await deleteFiles(userId, id);
}

export async function deleteFiles(userId: string, owner: string): Promise<void> {
  const db = await userDatabase(userId);
  await db.delete("files", IDBKeyRange.bound([owner, ""], [owner, "\uffff"]));
}

/** Copies files into the store, a few dozen a transaction, so that a reader sees progress and a full disk is met early. */
export async function storeFiles(
  userId: string,
  owner: string,
  files: { fileId: string; blob: Blob }[],
  progress: (done: number) => void,
): Promise<void> {
  const db = await userDatabase(userId);
  for (let start = 0; start < files.length; start += 50) {
    const transaction = db.transaction("files", "readwrite", { durability: "relaxed" });
    const group = files.slice(start, start + 50);
    await Promise.all([...group.map(({ fileId, blob }) => transaction.store.put({ owner, fileId, blob })), transaction.done]);
    progress(start + group.length);
  }
}

/** Hands files from one owner (a draft) to another (the job made of it). */
export async function moveFiles(userId: string, from: string, to: string, fileIds: string[]): Promise<void> {
  const db = await userDatabase(userId);
  for (let start = 0; start < fileIds.length; start += 50) {
    const transaction = db.transaction("files", "readwrite");
    for (const fileId of fileIds.slice(start, start + 50)) {
      const row = await transaction.store.get([from, fileId]);
      if (!row) continue;
      await transaction.store.put({ ...row, owner: to });
      await transaction.store.delete([from, fileId]);
    }
    await transaction.done;
  }
}

export async function loadBlob(userId: string, owner: string, fileId: string): Promise<Blob | undefined> {
  return (await (await userDatabase(userId)).get("files", [owner, fileId]))?.blob;
}
