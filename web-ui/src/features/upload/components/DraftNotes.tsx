import { useEffect, useState } from "react";
import { personName } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import type { Draft } from "@/store/draft";
import { CheckField } from "@/ui/Field";
import { Banner } from "@/ui/Status";
import { patientsOf } from "../engine/chosen";

/** What one should know of a draft before it is sent. */
export function DraftNotes({ draft, confirm }: { draft: Draft; confirm: (confirmed: boolean) => void }) {
  const t = useT();
  const patients = patientsOf(draft.studies);
  const tight = useTightStorage();
  return (
    <>
      {draft.stored && !tight && <Banner tone="ok">{t("draft.stored")}</Banner>}
      {(tight || !draft.stored) && <Banner tone="warn">{t("draft.tight")}</Banner>}
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

/** Over 80 % of what the browser gives: the bytes may not survive. */
function useTightStorage(): boolean {
  const [tight, setTight] = useState(false);
  useEffect(() => {
    void navigator.storage?.estimate?.().then(({ usage = 0, quota = 0 }) => setTight(quota > 0 && usage > quota * 0.8));
  }, []);
  return tight;
}
