import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import type { StudyDetail } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useRole } from "@/api/useSession";
import { personName, useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { SelectField } from "@/ui/Field";
import { Page, Section } from "@/ui/Page";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { useToast } from "@/ui/Toasts";
import { retryStudy, setPriority, studyQuery } from "./api";
import { DeliveryRow } from "./DeliveryChip";
import { Ledger } from "./Ledger";
import { countOf, SeriesViewer } from "./SeriesViewer";

/** One study: what it is, where it stands, its images, its proofs. */
export function StudyPage() {
  const t = useT();
  const { uid = "" } = useParams();
  const study = useQuery(studyQuery(uid));
  const title = t("study.title");
  return (
    <Page
      title={study.data ? <bdi>{personName(study.data.patient_name) || title}</bdi> : title}
      documentTitle={title}
      actions={
        <Link to="/studies" className={buttonClass()}>
          {t("study.back")}
        </Link>
      }
    >
      {study.isPending && <Skeleton rows={5} />}
      {study.error && <Trouble error={study.error} retry={() => void study.refetch()} />}
      {study.data && <Detail study={study.data} uid={uid} />}
    </Page>
  );
}

function Detail({ study, uid }: { study: StudyDetail; uid: string }) {
  const t = useT();
  const format = useFormat();
  const [ledger, setLedger] = useState(false);
  return (
    <>
      {study.flags.length > 0 && <Banner tone="warn">{study.flags.map((flag) => t(`flag.${flag}`)).join(" · ")}</Banner>}
      <div className="grid gap-5 lg:grid-cols-2">
        <Section title={t("study.facts")}>
          <Facts
            rows={[
              [t("col.id"), <bdi key="id">{study.patient_id ?? "–"}</bdi>],
              [t("col.date"), format.dicomDate(study.study_date) || "–"],
              [t("col.modality"), study.modalities.join(", ")],
              [t("col.description"), <bdi key="d">{study.description ?? "–"}</bdi>],
              [t("col.source"), study.source === "dicom" ? (study.calling_ae ?? "DICOM") : t("source.http")],
              [t("col.received"), format.moment(study.received_at, "full")],
              [t("col.images"), `${countOf(study.series, t)} · ${format.bytes(study.bytes)}`],
              [
                "UID",
                <code key="uid" className="text-xs" dir="ltr">
                  {uid}
                </code>,
              ],
            ]}
          />
        </Section>
        <Section title={t("study.way")}>
          <ul>
            {study.deliveries.map((delivery) => (
              <DeliveryRow key={delivery.destination ?? "none"} delivery={delivery} />
            ))}
          </ul>
          <Actions study={study} uid={uid} />
        </Section>
      </div>
      <SeriesViewer uid={uid} series={study.series} />
      {ledger ? (
        <Ledger uid={uid} />
      ) : (
        <Button onClick={() => setLedger(true)} className="self-start">
          {t("study.ledger_show")}
        </Button>
      )}
    </>
  );
}

function Actions({ study, uid }: { study: StudyDetail; uid: string }) {
  const t = useT();
  const toast = useToast();
  const client = useQueryClient();
  const offline = useOffline();
  const may = useRole("radiographer", "admin");
  const again = { onSuccess: () => client.invalidateQueries({ queryKey: ["study", uid] }) };
  const retry = useMutation({ mutationFn: () => retryStudy(uid), ...again });
  const priority = useMutation({ mutationFn: (level: StudyDetail["service_level"]) => setPriority(uid, level), ...again });
  if (!may) return null;
  const open = study.deliveries.some(({ state }) => state !== "delivered");
  return (
    <div className="flex flex-wrap items-end gap-3">
      <SelectField
        label={t("study.priority")}
        value={study.service_level}
        disabled={offline || priority.isPending || !open}
        onChange={({ target }) => priority.mutate(target.value as StudyDetail["service_level"])}
      >
        {["stat", "emergency", "routine", "subspecialty"].map((level) => (
          <option key={level} value={level}>
            {t(`level.${level}`)}
          </option>
        ))}
      </SelectField>
      <Button
        busy={retry.isPending}
        disabled={offline || !open}
        onClick={() => retry.mutate(undefined, { onSuccess: () => toast(t("study.retried")) })}
      >
        {t("study.retry")}
      </Button>
      {(retry.error || priority.error) && <Trouble error={retry.error ?? priority.error} compact />}
    </div>
  );
}
