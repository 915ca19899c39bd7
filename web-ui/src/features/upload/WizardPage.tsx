import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { useT } from "@/i18n/useT";
import { buttonClass } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Skeleton } from "@/ui/StateView";
import { DropZone } from "./components/DropZone";
import { WizardProgress } from "./components/WizardProgress";
import { WizardStudies } from "./components/WizardStudies";
import { useDraft } from "./useDraft";

/** Many studies at once: choose, look through, send, watch. */
export function WizardPage() {
  const { draft } = useParams();
  return draft ? <Chosen key={draft} id={draft} /> : <Choose />;
}

function Choose() {
  const t = useT();
  const navigate = useNavigate();
  return (
    <Page title={t("wizard.title")} documentTitle={t("wizard.title")} lead={t("wizard.lead")} narrow>
      <DropZone
        zoneTestid="file-drop-zone"
        inputTestid="file-input"
        done={(draft) => void navigate(`/upload-new/${draft.id}`, { replace: true })}
      />
    </Page>
  );
}

function Chosen({ id }: { id: string }) {
  const t = useT();
  const [jobs, setJobs] = useState<string[] | null>(null);
  const draft = useDraft(id);
  const { loaded } = draft;
  return (
    <Page title={t("wizard.title")} documentTitle={t("wizard.title")}>
      {jobs && <WizardProgress jobIds={jobs} />}
      {!jobs && loaded.kind === "loading" && <Skeleton rows={4} />}
      {!jobs && loaded.kind === "missing" && (
        <Empty
          title={t("metadata.missing")}
          action={
            <Link to="/" className={buttonClass("primary")}>
              {t("metadata.again")}
            </Link>
          }
        />
      )}
      {!jobs && loaded.kind === "draft" && <WizardStudies draft={loaded.draft} control={draft} sent={setJobs} />}
    </Page>
  );
}
