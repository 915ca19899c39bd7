import { useSyncExternalStore } from "react";
import { Link, useParams } from "react-router";
import { personName, useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { isOver } from "@/store/job";
import { buttonClass } from "@/ui/Button";
import { Dots } from "@/ui/Dots";
import { Page } from "@/ui/Page";
import { Empty, Skeleton } from "@/ui/StateView";
import { ActivityLog } from "./components/ActivityLog";
import { CopyNote } from "./components/CopyNote";
import { Figures } from "./components/Figures";
import { FileQueue } from "./components/FileQueue";
import { JobActions } from "./components/JobActions";
import { JobNotes } from "./components/JobNotes";
import { ReceiptView } from "./components/ReceiptView";
import { useAnnounceJob } from "./useAnnounceJob";
import { useCopy, useJob, useUploads } from "./useUploads";
import { useWakeLock } from "./useWakeLock";

/** One upload on its way; becomes its receipt in place. */
export function ProgressPage() {
  const t = useT();
  const format = useFormat();
  const { id = "" } = useParams();
  const uploads = useUploads();
  const known = useSyncExternalStore(uploads.subscribe, () => uploads.known);
  const job = useJob(id);
  useAnnounceJob(job);
  useWakeLock(job?.state.kind === "sending");
  const title = t("progress.title");
  if (!job)
    return (
      <Page title={title} documentTitle={title} narrow>
        {known ? (
          <Empty
            title={t("progress.missing")}
            action={
              <Link to="/" className={buttonClass("primary")}>
                {t("receipt.new")}
              </Link>
            }
          />
        ) : (
          <Skeleton rows={4} />
        )}
      </Page>
    );
  return (
    <Page
      title={title}
      documentTitle={title}
      lead={<Dots parts={[personName(job.patientName), job.modality, format.dicomDate(job.studyDate), t(`level.${job.serviceLevel}`)]} />}
      narrow
    >
      {job.state.kind === "done" && job.uploadId && <ReceiptView uploadId={job.uploadId} receipt={job.state.receipt} link />}
      <div className="card flex flex-col gap-5 p-5">
        <Figures job={job} />
        <JobActions job={job} />
      </div>
      <JobNotes job={job} />
      {!isOver(job.state) && <Unstored owner={job.owner} />}
      <FileQueue jobId={job.id} />
      <ActivityLog jobId={job.id} />
    </Page>
  );
}

/** As long as files are nowhere but in this tab, it must stay open. */
function Unstored({ owner }: { owner: string }) {
  const copy = useCopy(owner);
  return copy && copy.state !== "stored" ? <CopyNote owner={owner} stored /> : null;
}
