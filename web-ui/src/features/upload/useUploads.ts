import { createContext, useContext, useSyncExternalStore } from "react";
import type { CopyProgress, JobView } from "./protocol";
import type { Uploads } from "./uploads";

export const UploadsContext = createContext<Uploads | null>(null);

export function useUploads(): Uploads {
  const uploads = useContext(UploadsContext);
  if (!uploads) throw new Error("uploads exist only below the guard");
  return uploads;
}

export function useJobs(): JobView[] {
  const uploads = useUploads();
  return useSyncExternalStore(uploads.subscribe, uploads.snapshot);
}

export function useJob(id: string): JobView | undefined {
  return useJobs().find((job) => job.id === id);
}

/** How far the copy of a draft's files is, where this tab makes one. */
export function useCopy(owner: string): CopyProgress | undefined {
  const uploads = useUploads();
  return useSyncExternalStore(uploads.subscribe, () => uploads.copy(owner));
}
