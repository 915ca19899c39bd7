import { readRequestMib } from "@/store/device";
import { type Draft, type DraftStudy, forgetDraft, idsOf } from "@/store/draft";
import { deleteFiles } from "@/store/files";
import { type Job, saveJob } from "@/store/job";
import { sizeOf } from "./engine/chosen";
import type { Uploads } from "./uploads";

const MIB = 1024 * 1024;

/** Fixed when an upload begins; a request carries several. */
export const CHUNK_BYTES = MIB;

/** Makes the job of one study; its bytes stay where the draft's are. */
async function send(userId: string, draft: Draft, study: DraftStudy, uploads: Uploads): Promise<string> {
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
    owner: draft.id,
    files: study.files.map(({ fileId, name, size }) => ({ fileId, name, size })),
    totalBytes: sizeOf(study),
    chunkSize: CHUNK_BYTES,
    requestMib: readRequestMib(),
    force: false,
    upload: null,
    acknowledged: 0,
    state: { kind: "queued" },
  };
  await saveJob(job);
  uploads.command({ type: "start", jobId: job.id });
  return job.id;
}

/** Sends every included study of a draft, then forgets the draft. */
export async function sendAll(userId: string, draft: Draft, uploads: Uploads): Promise<string[]> {
  await uploads.handedOver(draft.id);
  const ids: string[] = [];
  for (const study of draft.studies) if (study.included) ids.push(await send(userId, draft, study, uploads));
  await forgetDraft(userId, draft.id);
  const left = idsOf(draft.studies.filter((study) => !study.included));
  if (left.length > 0) {
    uploads.forget(draft.id, left);
    await deleteFiles(userId, draft.id, left);
  }
  return ids;
}
