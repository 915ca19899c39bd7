import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Banner } from "@/ui/Status";
import type { JobView } from "../protocol";
import { useUploads } from "../useUploads";
import { FileError } from "./FileError";

/** What a job waits for, in words; and the question whether a known study is sent again. */
export function JobNotes({ job }: { job: JobView }) {
  const t = useT();
  const { state } = job;
  if (state.kind === "duplicate") return <DuplicateDialog job={job} earlier={state.earlier} />;
  if (state.kind === "failed") {
    return (
      <Banner tone="bad" role="alert">
        <p className="font-semibold">{t(job.uploadId ? "progress.failed" : "metadata.failed")}</p>
        <p>{job.filesFailed > 0 ? t("progress.failed_files", { n: job.filesFailed }) : <FileError error={state.detail} />}</p>
      </Banner>
    );
  }
  if (state.kind !== "waiting") return null;
  return (
    <Banner tone="warn" role="status">
      {!job.uploadId && <p className="font-semibold">{t("metadata.failed")}</p>}
      <p className="font-semibold">{t(`waiting.${state.why}`)}</p>
      <p>
        {t(`waiting.${state.why}.todo`)} <Countdown until={state.until} />
      </p>
    </Banner>
  );
}

function Countdown({ until }: { until: number }) {
  const t = useT();
  const format = useFormat();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((until - now) / 1000);
  return seconds > 0 ? <span aria-hidden="true">{t("waiting.next", { time: format.duration(seconds) })}</span> : null;
}

function DuplicateDialog({ job, earlier }: { job: JobView; earlier: { uploadedAt: string; uploadedBy: string } }) {
  const t = useT();
  const format = useFormat();
  const navigate = useNavigate();
  const uploads = useUploads();
  const [sure, setSure] = useState(false);
  const cancel = () => {
    uploads.command({ type: "cancel", jobId: job.id });
    void navigate("/");
  };
  return (
    <Dialog
      title={t("duplicate.title")}
      onClose={cancel}
      actions={
        <>
          <Button onClick={cancel}>{t("duplicate.cancel")}</Button>
          {sure ? (
            <Button look="danger" onClick={() => uploads.command({ type: "force", jobId: job.id })}>
              {t("duplicate.sure")}
            </Button>
          ) : (
            <Button onClick={() => setSure(true)}>{t("duplicate.anyway")}</Button>
          )}
        </>
      }
    >
      <p>{t("duplicate.text", { when: format.moment(earlier.uploadedAt), who: earlier.uploadedBy })}</p>
      <p className="text-sm text-muted">{t("duplicate.hint")}</p>
    </Dialog>
  );
}
