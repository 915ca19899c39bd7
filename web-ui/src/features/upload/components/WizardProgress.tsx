import { Link } from "react-router";
import { personName } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { isOver } from "@/store/job";
import { buttonClass } from "@/ui/Button";
import { Bar } from "@/ui/Ring";
import { Banner } from "@/ui/Status";
import { useJobs } from "../useUploads";
import { JobActions } from "./JobActions";
import { JobNotes } from "./JobNotes";
import { JobStatus } from "./JobStatus";

/** The studies of one wizard on their way. */
export function WizardProgress({ jobIds }: { jobIds: string[] }) {
  const t = useT();
  const jobs = useJobs().filter(({ id }) => jobIds.includes(id));
  const over = jobs.length > 0 && jobs.every(({ state }) => isOver(state));
  const failed = jobs.some(({ state }) => state.kind === "failed");
  const asking = jobs.find(({ state }) => state.kind === "duplicate");
  return (
    <div className="flex flex-col gap-4">
      {over ? (
        <Banner tone={failed ? "bad" : "ok"} testid="upload-complete-banner">
          <p className="text-lg font-semibold">{t(failed ? "wizard.failed" : "wizard.complete")}</p>
        </Banner>
      ) : (
        <p className="text-lg font-semibold">{t("wizard.uploading")}</p>
      )}
      <ul className="flex flex-col gap-2">
        {jobs.map((job) => (
          <li key={job.id} className="card flex flex-col gap-3 p-4">
            <div className="flex flex-wrap items-center justify-between gap-2">
              <Link to={`/progress/${job.id}`} className="font-semibold underline">
                <bdi>{personName(job.patientName)}</bdi>
              </Link>
              <JobStatus state={job.state} />
            </div>
            <Bar
              value={job.state.kind === "done" ? 100 : (job.moved / Math.max(1, job.totalBytes)) * 100}
              label={personName(job.patientName)}
              tone={job.state.kind === "failed" ? "bad" : job.state.kind === "done" ? "ok" : "accent"}
            />
            {job.state.kind !== "duplicate" && <JobNotes job={job} />}
            {!isOver(job.state) && <JobActions job={job} />}
          </li>
        ))}
      </ul>
      {asking && <JobNotes job={asking} />}
      {over && (
        <div className="flex flex-wrap gap-2">
          <Link role="button" to="/reports" className={buttonClass("primary")}>
            {t("wizard.reports")}
          </Link>
          <Link role="button" to="/upload-new" className={buttonClass()}>
            {t("wizard.another")}
          </Link>
        </div>
      )}
    </div>
  );
}
