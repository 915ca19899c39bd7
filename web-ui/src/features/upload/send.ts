import { readRequestMib } from "@/store/device";
import { type Draft, type DraftStudy, deleteDraft, moveFiles } from "@/store/draft";
import { type Job, saveJob } from "@/store/job";
import { sizeOf } from "./engine/chosen";
import type { Uploads } from "./uploads";

const MIB = 1024 * 1024;

/** Fixed when an upload begins; a request carries several. */
export const CHUNK_BYTES = MIB;

/** Makes the job of one study and gives its files to it. */
export async function send(userId: string, draft: Draft, study: DraftStudy, uploads: Uploads, force = false): Promise<string> {
  const { form } = study;
  const uid = study.files.find((file) => file.head?.studyUid)?.head?.studyUid;
  const job: Job = {
    id: crypto.randomUUID(),
    userId,
    createdAt: Date.now(),
    metadata: {
      patient_name: form.patientName.trim(),
      study_date: form.studyDate,
      modality: form.modality,
      service_level: form.serviceLevel,
      ...(form.age ? { age: form.age } : {}),
      ...(form.gender ? { gender: form.gender } : {}),
      ...(form.studyDescription ? { study_description: form.studyDescription } : {}),
      ...(uid ? { study_instance_uid: uid } : {}),
    },
    clinicalHistory: form.clinicalHistory.trim(),
    files: study.files.map(({ fileId, name, size }) => ({ fileId, name, size })),
    totalBytes: sizeOf(study),
    chunkSize: CHUNK_BYTES,
    requestMib: readRequestMib(),
    force,
    upload: null,
    acknowledged: 0,
    state: { kind: "queued" },
  };
  await moveFiles(
    userId,
    draft.id,
    job.id,
    job.files.map((file) => file.fileId),
  );
  await saveJob(job);
  uploads.command({ type: "start", jobId: job.id });
  return job.id;
}

/** Sends every included study of a draft, then forgets the draft. */
export async function sendAll(userId: string, draft: Draft, uploads: Uploads): Promise<string[]> {
  const ids: string[] = [];
  for (const study of draft.studies) if (study.included) ids.push(await send(userId, draft, study, uploads));
  await deleteDraft(userId, draft.id);
  return ids;
}
