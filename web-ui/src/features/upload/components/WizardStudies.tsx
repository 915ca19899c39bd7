import { useState } from "react";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import type { Draft, DraftStudy } from "@/store/draft";
import { Button } from "@/ui/Button";
import { Dots } from "@/ui/Dots";
import { CheckField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Banner, Status } from "@/ui/Status";
import { patientsOf } from "../engine/chosen";
import { formProblems } from "../form";
import { nameOf } from "../name";
import { sendAll } from "../send";
import type { useDraft } from "../useDraft";
import { useUploads } from "../useUploads";
import { DraftNotes } from "./DraftNotes";
import { SeriesList } from "./SeriesList";
import { StudyForm } from "./StudyForm";

type Props = { draft: Draft; control: ReturnType<typeof useDraft>; sent: (jobIds: string[]) => void };

const ready = (study: DraftStudy) => Object.keys(formProblems(study.form)).length === 0;

/** Cards of all studies, and the form of the one that is open. */
export function WizardStudies({ draft, control, sent }: Props) {
  const t = useT();
  const uploads = useUploads();
  const [open, setOpen] = useState(draft.studies[0]?.key ?? "");
  const [state, setState] = useState<"idle" | "busy" | "incomplete" | "failed">("idle");
  const active = draft.studies.find(({ key }) => key === open) ?? draft.studies[0];
  const included = draft.studies.filter((study) => study.included);
  const unconfirmed = patientsOf(included).length > 1 && !draft.patientsConfirmed;
  const include = (key: string, on: boolean) =>
    control.set({ ...draft, studies: draft.studies.map((study) => (study.key === key ? { ...study, included: on } : study)) });

  const start = async () => {
    const latest = control.latest() ?? draft;
    const incomplete = latest.studies.find((study) => study.included && !ready(study));
    if (incomplete) {
      setOpen(incomplete.key);
      return setState("incomplete");
    }
    setState("busy");
    try {
      const ids = await sendAll(control.user.id, latest, uploads);
      control.drop();
      sent(ids);
    } catch {
      setState("failed");
    }
  };

  return (
    <>
      <DraftNotes draft={draft} confirm={(patientsConfirmed) => control.set({ ...draft, patientsConfirmed })} />
      <div className="grid gap-5 lg:grid-cols-[22rem_1fr]">
        <ul className="flex flex-col gap-2">
          {draft.studies.map((study) => (
            <StudyCard
              key={study.key}
              study={study}
              open={study.key === active?.key}
              show={() => setOpen(study.key)}
              include={(on) => include(study.key, on)}
            />
          ))}
        </ul>
        {active && (
          <Section title={t("metadata.study")}>
            <SeriesList study={active} />
            <StudyForm
              key={active.key}
              study={active}
              formId="study"
              onChange={(form) => control.setForm(active.key, form)}
              onSubmit={() => void start()}
            />
          </Section>
        )}
      </div>
      {state === "incomplete" && (
        <Banner tone="warn" role="alert">
          {t("wizard.incomplete")}
        </Banner>
      )}
      {state === "failed" && (
        <Banner tone="bad" role="alert">
          {t("metadata.failed")}
        </Banner>
      )}
      <div className="flex flex-wrap items-center justify-end gap-3">
        {unconfirmed && <p className="text-sm text-warn">{t("wizard.unconfirmed")}</p>}
        <Button
          look="primary"
          data-testid="start-upload-btn"
          busy={state === "busy"}
          disabled={included.length === 0 || unconfirmed}
          onClick={() => void start()}
        >
          {t("wizard.start", { n: included.length })}
        </Button>
      </div>
    </>
  );
}

type CardProps = { study: DraftStudy; open: boolean; show: () => void; include: (on: boolean) => void };

function StudyCard({ study, open, show, include }: CardProps) {
  const t = useT();
  const format = useFormat();
  return (
    <li className={`card flex flex-col gap-2 p-4 ${open ? "ring-2 ring-accent" : ""}`}>
      <button type="button" aria-pressed={open} onClick={show} className="flex flex-col items-start gap-1 text-start">
        <bdi className="font-semibold">{nameOf(study) || t("unfinished.unnamed")}</bdi>
        <span className="text-sm text-muted">
          <Dots
            parts={[study.form.modality || "?", format.dicomDate(study.form.studyDate) || "?", t("files.count", { n: study.files.length })]}
          />
        </span>
        <Status tone={ready(study) ? "ok" : "warn"}>{t(ready(study) ? "wizard.ready" : "wizard.open")}</Status>
      </button>
      <CheckField label={t("wizard.include")} checked={study.included} onChange={({ target }) => include(target.checked)} />
    </li>
  );
}
