import { Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { useUser } from "@/api/useSession";
import { personName, useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { type Draft, deleteDraft, idsOf, listDrafts } from "@/store/draft";
import { Button, IconButton } from "@/ui/Button";
import { Ask } from "@/ui/Dialog";
import { Dots } from "@/ui/Dots";
import { Bar } from "@/ui/Ring";
import { nameOf } from "../name";
import type { JobView } from "../protocol";
import { useJobs, useUploads } from "../useUploads";
import { JobStatus } from "./JobStatus";

/** What was begun and is not over: drafts to complete, uploads on their way. */
export function Unfinished() {
  const t = useT();
  const user = useUser();
  const jobs = useJobs();
  const uploads = useUploads();
  const [drafts, setDrafts] = useState<Draft[]>([]);
  useEffect(() => {
    void listDrafts(user.id).then(setDrafts, () => undefined);
  }, [user.id]);
  const forget = async (draft: Draft) => {
    uploads.forget(draft.id, idsOf(draft.studies));
    await deleteDraft(user.id, draft);
    setDrafts((now) => now.filter(({ id }) => id !== draft.id));
  };
  if (drafts.length === 0 && jobs.length === 0) return null;
  return (
    <section className="flex flex-col gap-3">
      <h2 className="text-lg font-semibold">{t("unfinished.title")}</h2>
      <ul className="flex flex-col gap-2">
        {jobs.toReversed().map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
        {drafts.map((draft) => (
          <DraftRow key={draft.id} draft={draft} forget={() => void forget(draft)} />
        ))}
      </ul>
    </section>
  );
}

function JobRow({ job }: { job: JobView }) {
  const t = useT();
  const format = useFormat();
  const navigate = useNavigate();
  const uploads = useUploads();
  const over = job.state.kind === "done";
  const open = () => {
    if (job.state.kind === "paused") uploads.command({ type: "resume", jobId: job.id });
    void navigate(`/progress/${job.id}`);
  };
  return (
    <li className="card flex flex-wrap items-center gap-3 p-4">
      <div className="flex min-w-0 flex-1 basis-56 flex-col gap-1">
        <p className="font-semibold">
          <bdi>{personName(job.patientName) || "–"}</bdi>{" "}
          <span className="font-normal text-muted">
            · <Dots parts={[job.modality, format.dicomDate(job.studyDate)]} />
          </span>
        </p>
        <div className="flex flex-wrap items-center gap-2 text-sm text-muted">
          <JobStatus state={job.state} />
          <span>
            <Dots parts={[t("files.count", { n: job.files }), format.bytes(job.totalBytes)]} />
          </span>
        </div>
        {!over && <Bar value={(job.moved / Math.max(1, job.totalBytes)) * 100} />}
      </div>
      <Button onClick={open}>{t(over ? "unfinished.receipt" : "unfinished.resume")}</Button>
      {over && (
        <IconButton label={t("unfinished.hide")} onClick={() => uploads.command({ type: "cancel", jobId: job.id })}>
          <Trash2 size={18} aria-hidden="true" />
        </IconButton>
      )}
    </li>
  );
}

function DraftRow({ draft, forget }: { draft: Draft; forget: () => void }) {
  const t = useT();
  const format = useFormat();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const first = draft.studies[0];
  const name = (first && nameOf(first)) || t("unfinished.unnamed");
  const to = draft.studies.length === 1 ? `/metadata/${draft.id}` : `/upload-new/${draft.id}`;
  return (
    <li className="card flex flex-wrap items-center gap-3 p-4">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-semibold">
          <bdi>{name}</bdi>
        </p>
        <p className="text-sm text-muted">
          <Dots
            parts={[
              t("unfinished.draft"),
              t("studies.count", { n: draft.studies.length }),
              format.ago(new Date(draft.savedAt).toISOString()),
            ]}
          />
        </p>
      </div>
      <Button onClick={() => void navigate(to)}>{t("unfinished.resume")}</Button>
      <IconButton label={t("unfinished.discard")} onClick={() => setAsking(true)}>
        <Trash2 size={18} aria-hidden="true" />
      </IconButton>
      {asking && (
        <Ask title={t("unfinished.discard_title")} confirm={t("unfinished.discard")} onClose={() => setAsking(false)} onConfirm={forget}>
          <p>
            <bdi className="font-semibold">{name}</bdi> — {t("unfinished.discard_text")}
          </p>
        </Ask>
      )}
    </li>
  );
}
