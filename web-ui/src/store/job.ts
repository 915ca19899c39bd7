import { userDatabase } from "./db";
import { deleteFiles } from "./files";

export type JobFile = { fileId: string; name: string; size: number; error?: string };

export type FileResult = { file_id: string; status: string; sop_instance_uid?: string | null; error?: string | null };

export type Receipt = {
  status: string;
  reportId: string | null;
  warnings: string[];
  processed: number;
  failed: number;
  files: FileResult[];
  completedAt: number;
};

export type Duplicate = { uploadedAt: string; uploadedBy: string };

/** Where a job is. Only what survives a restart; speed and lanes live in the engine. */
export type JobState =
  | { kind: "queued" }
  | { kind: "sending" }
  | { kind: "paused" }
  | { kind: "waiting"; why: "line" | "full" | "signed_out" | "limit"; until: number }
  | { kind: "duplicate"; earlier: Duplicate }
  | { kind: "completing" }
  | { kind: "done"; receipt: Receipt }
  | { kind: "failed"; code: string; detail: string };

/** One study on its way to the box. */
export type Job = {
  id: string;
  userId: string;
  createdAt: number;
  metadata: {
    patient_name: string;
    study_date: string;
    modality: string;
    service_level: string;
    age?: string;
    gender?: string;
    study_description?: string;
    study_instance_uid?: string;
  };
  clinicalHistory: string;
  /** Under which name its bytes are stored: the draft's it was made of. Without one, its own. */
  owner?: string;
  files: JobFile[];
  totalBytes: number;
  chunkSize: number;
  /** The largest request, in MiB. */
  requestMib: number;
  force: boolean;
  upload: { id: string; token: string; chunkSize: number; expiresAt: string } | null;
  /** Bytes the box has acknowledged, as last seen. */
  acknowledged: number;
  state: JobState;
};

export const isOver = (state: JobState) => state.kind === "done" || state.kind === "failed";

export async function saveJob(job: Job): Promise<void> {
  await (await userDatabase(job.userId)).put("jobs", job);
}

export async function loadJob(userId: string, id: string): Promise<Job | undefined> {
  return (await userDatabase(userId)).get("jobs", id);
}

export async function listJobs(userId: string): Promise<Job[]> {
  const jobs = await (await userDatabase(userId)).getAll("jobs");
  return jobs.sort((a, b) => a.createdAt - b.createdAt);
}

/** Under which name the job's bytes are stored. */
export const ownerOf = (job: Job) => job.owner ?? job.id;

export async function deleteJob(job: Job): Promise<void> {
  await (await userDatabase(job.userId)).delete("jobs", job.id);
  await deleteJobFiles(job);
}

/** The bytes of a job that needs them no more. */
export async function deleteJobFiles(job: Job): Promise<void> {
  await deleteFiles(
    job.userId,
    ownerOf(job),
    job.files.map(({ fileId }) => fileId),
  );
}
