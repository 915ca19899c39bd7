import type { ChosenFile } from "@/store/draft";
import { type Job, type JobState, ownerOf } from "@/store/job";
import type { CopyState } from "./engine/copier";

/** Names shared by the tabs of one user. */
export const channelName = (userId: string) => `relaypacs-upload-${userId}`;
export const lockName = (userId: string) => `relaypacs-uploader-${userId}`;
/** Held by the tab that copies the files of a draft. */
export const copyLock = (owner: string) => `relaypacs-copy-${owner}`;
/** Tag of the background sync. */
export const SYNC_TAG = "relaypacs-upload";

export type LogEntry = { at: number; id: string; values?: Record<string, string | number> };

/** What a screen shows of a job. */
export type JobView = {
  id: string;
  /** Whose bytes it sends: the draft's. */
  owner: string;
  createdAt: number;
  patientName: string;
  studyDate: string;
  modality: string;
  serviceLevel: string;
  state: JobState;
  uploadId: string | null;
  totalBytes: number;
  acknowledged: number;
  /** Acknowledged and on the line. */
  moved: number;
  /** Bytes a second; 0 while nothing moves. */
  speed: number;
  /** Seconds to go; null while that cannot be said. */
  eta: number | null;
  files: number;
  filesDone: number;
  filesFailed: number;
};

/** Progress of single files: place in the job, bytes done, what failed. */
export type FileChange = [place: number, done: number, error?: string];

/** From any tab to whoever uploads. */
export type Command =
  | { type: "hello" }
  | { type: "start" | "pause" | "resume" | "force" | "retry" | "cancel" | "watch"; jobId: string }
  | { type: "hurry" }
  | { type: "token"; token: string | null };

/** From whoever uploads to all tabs. */
export type Report =
  | { type: "jobs"; jobs: JobView[] }
  | { type: "files"; jobId: string; files: { name: string; size: number }[] | null; changes: FileChange[] }
  | { type: "log"; jobId: string; entries: LogEntry[] }
  | { type: "need_token" };

/**
 * Between a page and its own worker. `scan`: some more of the files of a choice; `drop`: nothing of it is wanted; `keep`: copy these
 * files of it, by their place in it; `forget`: they are needed no more.
 */
export type ToWorker =
  | { type: "user"; userId: string }
  | { type: "scan"; scan: number; files: File[] }
  | { type: "drop"; scan: number }
  | { type: "keep"; scan: number; owner: string; files: { fileId: string; place: number }[] }
  | { type: "forget"; owner: string; fileIds: string[] };
export type FromWorker =
  | { type: "scanned"; scan: number; results: Scanned[] }
  | ({ type: "copied"; owner: string } & CopyProgress)
  | { type: "leads" };
export type CopyProgress = { done: number; total: number; state: CopyState };
export type Scanned = { place: number; size: number } & (
  | { kind: "dicom"; head: ChosenFile["head"] }
  | { kind: "zip" | "unreadable" | "not_dicom" | "empty" }
);

export function viewOf(job: Job): JobView {
  return {
    id: job.id,
    owner: ownerOf(job),
    createdAt: job.createdAt,
    patientName: job.metadata.patient_name,
    studyDate: job.metadata.study_date,
    modality: job.metadata.modality,
    serviceLevel: job.metadata.service_level,
    state: job.state,
    uploadId: job.upload?.id ?? null,
    totalBytes: job.totalBytes,
    acknowledged: job.acknowledged,
    moved: job.acknowledged,
    speed: 0,
    eta: null,
    files: job.files.length,
    filesDone: job.state.kind === "done" ? job.files.length : 0,
    filesFailed: job.files.filter((file) => file.error).length,
  };
}
