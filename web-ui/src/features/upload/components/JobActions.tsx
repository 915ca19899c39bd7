import { useState } from "react";
import { useNavigate } from "react-router";
import { personName } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Ask } from "@/ui/Dialog";
import type { JobView } from "../protocol";
import { useUploads } from "../useUploads";

/** Pause, resume, retry, cancel: what the job's state allows. */
export function JobActions({ job }: { job: JobView }) {
  const t = useT();
  const uploads = useUploads();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const tell = (type: "pause" | "resume" | "retry" | "cancel") => uploads.command({ type, jobId: job.id });
  const { kind } = job.state;
  if (kind === "done") return null;
  return (
    <div className="flex flex-wrap gap-2">
      {["queued", "sending", "waiting"].includes(kind) && <Button onClick={() => tell("pause")}>{t("progress.pause")}</Button>}
      {kind === "paused" && (
        <Button look="primary" onClick={() => tell("resume")}>
          {t("progress.resume")}
        </Button>
      )}
      {kind === "waiting" && <Button onClick={() => uploads.command({ type: "hurry" })}>{t("progress.now")}</Button>}
      {kind === "failed" && (
        <Button look="primary" onClick={() => tell("retry")}>
          {t(job.filesFailed > 0 ? "progress.retry_files" : "progress.retry")}
        </Button>
      )}
      <Button look="danger" onClick={() => setAsking(true)}>
        {t("progress.cancel")}
      </Button>
      {asking && (
        <Ask
          title={t("progress.cancel_title")}
          confirm={t("progress.cancel_yes")}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            tell("cancel");
            void navigate("/");
          }}
        >
          <p>
            {t("progress.cancel_text")} <bdi>{personName(job.patientName)}</bdi>
          </p>
        </Ask>
      )}
    </div>
  );
}
