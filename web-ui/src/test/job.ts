import type { Job, JobState } from "@/store/job";

/** A job of one file of four bytes that the box has not heard of. */
export const jobOf = (userId: string, state: JobState): Job => ({
  id: "j1",
  userId,
  createdAt: 1,
  metadata: { patient_name: "DOE^JOHN", study_date: "2026-01-02", modality: "CT", service_level: "routine" },
  clinicalHistory: "",
  files: [{ fileId: "f1", name: "IM1", size: 4 }],
  totalBytes: 4,
  chunkSize: 1024,
  requestMib: 1,
  force: false,
  upload: null,
  acknowledged: 0,
  state,
});
