import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Page, Section } from "@/ui/Page";
import { Empty, Skeleton } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { DraftNotes } from "./components/DraftNotes";
import { SeriesList } from "./components/SeriesList";
import { StudyForm } from "./components/StudyForm";
import { sendAll } from "./send";
import { useDraft } from "./useDraft";
import { useUploads } from "./useUploads";

/** One study: what its files say is confirmed, the rest is filled in. */
export function MetadataPage() {
  const t = useT();
  const { draft: id } = useParams();
  const navigate = useNavigate();
  const uploads = useUploads();
  const { loaded, user, latest, set, setForm, drop } = useDraft(id);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);

  const submit = async () => {
    const draft = latest();
    if (!draft) return;
    setBusy(true);
    setFailed(false);
    try {
      const [job] = await sendAll(user.id, draft, uploads);
      drop();
      void navigate(`/progress/${job}`, { replace: true });
    } catch {
      setFailed(true);
      setBusy(false);
    }
  };

  const title = t("metadata.title");
  if (loaded.kind === "loading")
    return (
      <Page title={title} documentTitle={title} narrow>
        <Skeleton rows={5} />
      </Page>
    );
  const study = loaded.kind === "draft" ? loaded.draft.studies[0] : undefined;
  if (loaded.kind !== "draft" || !study)
    return (
      <Page title={title} documentTitle={title} narrow>
        <Empty
          title={t("metadata.missing")}
          action={
            <Link to="/" className={buttonClass("primary")}>
              {t("metadata.again")}
            </Link>
          }
        />
      </Page>
    );
  const { draft } = loaded;
  return (
    <Page title={title} documentTitle={title} lead={t("metadata.lead")} narrow>
      <DraftNotes draft={draft} confirm={(patientsConfirmed) => set({ ...draft, patientsConfirmed })} />
      <Section title={t("metadata.recognised")}>
        <SeriesList study={study} />
      </Section>
      <Section title={t("metadata.study")}>
        <StudyForm study={study} formId="study" onChange={(form) => setForm(study.key, form)} onSubmit={() => void submit()} />
      </Section>
      {failed && (
        <Banner tone="bad" role="alert">
          {t("metadata.failed")}
        </Banner>
      )}
      <div className="flex flex-wrap justify-end gap-3">
        <Link to="/" className={buttonClass()}>
          {t("metadata.later")}
        </Link>
        <Button type="submit" form="study" look="primary" busy={busy} data-testid="confirm-upload-button">
          {t("metadata.confirm")}
        </Button>
      </div>
    </Page>
  );
}
