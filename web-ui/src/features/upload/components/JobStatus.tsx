import { useT } from "@/i18n/useT";
import type { JobState } from "@/store/job";
import { Status, type Tone } from "@/ui/Status";

const TONES: Record<JobState["kind"], Tone> = {
  queued: "calm",
  sending: "info",
  paused: "warn",
  waiting: "warn",
  duplicate: "warn",
  completing: "info",
  done: "ok",
  failed: "bad",
};

export function JobStatus({ state }: { state: JobState }) {
  const t = useT();
  const id = state.kind === "waiting" ? `job.waiting_${state.why}` : `job.${state.kind}`;
  const status = state.kind === "done" ? state.receipt.status : "success";
  if (status === "failed") return <Status tone="bad">{t("job.failed")}</Status>;
  const partial = status !== "success";
  return <Status tone={partial ? "warn" : TONES[state.kind]}>{t(partial ? "job.partial" : id)}</Status>;
}
