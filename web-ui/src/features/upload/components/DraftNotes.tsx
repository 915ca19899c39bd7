import { personName } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import type { Draft } from "@/store/draft";
import { CheckField } from "@/ui/Field";
import { Banner } from "@/ui/Status";
import { patientsOf } from "../engine/chosen";
import { CopyNote } from "./CopyNote";

/** What one should know of a draft before it is sent. */
export function DraftNotes({ draft, confirm }: { draft: Draft; confirm: (confirmed: boolean) => void }) {
  const t = useT();
  const patients = patientsOf(draft.studies);
  return (
    <>
      <CopyNote owner={draft.id} stored={draft.stored} />
      {patients.length > 1 && (
        <Banner tone="warn">
          <p className="font-semibold">{t("draft.patients", { n: patients.length })}</p>
          <p>
            {patients.slice(0, 6).map((patient) => (
              <bdi key={patient} className="me-3 inline-block">
                {personName(patient)}
              </bdi>
            ))}
          </p>
          <CheckField label={t("draft.patients_ok")} checked={draft.patientsConfirmed} onChange={({ target }) => confirm(target.checked)} />
        </Banner>
      )}
      {draft.ignored.length > 0 && (
        <details className="card p-4 text-sm">
          <summary className="font-medium">{t("draft.ignored", { n: draft.ignored.length })}</summary>
          <ul className="mt-2 max-h-60 overflow-y-auto">
            {draft.ignored.slice(0, 500).map(({ name, reason }) => (
              <li key={name} className="flex flex-wrap justify-between gap-2 border-t border-line py-1">
                <bdi className="min-w-0">{name}</bdi>
                <span className="text-muted">{t(`ignored.${reason}`)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
