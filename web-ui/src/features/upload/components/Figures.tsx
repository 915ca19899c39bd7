import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Facts } from "@/ui/Facts";
import { Ring } from "@/ui/Ring";
import type { JobView } from "../protocol";
import { JobStatus } from "./JobStatus";

/** Ring, bytes, speed, time left. */
export function Figures({ job }: { job: JobView }) {
  const t = useT();
  const format = useFormat();
  const done = job.state.kind === "done";
  const refused = job.state.kind === "done" && job.state.receipt.status === "failed";
  const percent = done ? 100 : Math.min(99, Math.floor((job.moved / Math.max(1, job.totalBytes)) * 100));
  return (
    <div className="flex flex-col items-center gap-6 sm:flex-row">
      <Ring
        value={percent}
        label={t("progress.ring")}
        tone={refused ? "bad" : done ? "ok" : job.state.kind === "waiting" || job.state.kind === "paused" ? "warn" : "accent"}
      >
        <span className="text-xl font-bold">{format.number(percent / 100, { style: "percent" })}</span>
        <span className="text-xs text-muted">{format.bytes(job.moved)}</span>
      </Ring>
      <div className="flex flex-col gap-3">
        <p className="text-lg font-semibold">{t("progress.synchronized", { percent })}</p>
        <JobStatus state={job.state} />
        <Facts
          rows={[
            [t("progress.bytes"), t("progress.of", { done: format.bytes(job.moved), total: format.bytes(job.totalBytes) })],
            [
              t("progress.files"),
              t("progress.of", { done: format.number(done ? job.files : job.filesDone), total: format.number(job.files) }),
            ],
            [t("progress.speed"), job.speed > 0 ? format.rate(job.speed) : "–"],
            [t("progress.left"), job.eta === null ? "–" : format.duration(job.eta)],
          ]}
        />
      </div>
    </div>
  );
}
