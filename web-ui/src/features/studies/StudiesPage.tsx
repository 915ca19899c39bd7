import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { destinationsQuery } from "@/api/queries";
import type { Study } from "@/api/types";
import { useRemembered } from "@/api/useRemembered";
import { useRole } from "@/api/useSession";
import { personName, useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { Table } from "@/ui/Table";
import { type Filters, studiesQuery } from "./api";
import { DeliveryChip } from "./DeliveryChip";
import { FilterBar } from "./FilterBar";

const NAMES = ["modality", "source", "state", "from", "to"] as const;

/** What came in, by C-STORE and by upload, and where it stands. */
export function StudiesPage() {
  const t = useT();
  const format = useFormat();
  const [params, setParams] = useSearchParams();
  const [q, setQ] = useState("");
  const settled = useDeferredValue(q.trim());
  const mayUpload = useRole("clinician", "radiographer", "admin");
  const filters = Object.fromEntries(NAMES.map((name) => [name, params.get(name) ?? ""])) as Filters;
  const list = useInfiniteQuery(studiesQuery(filters, settled));
  const fresh = list.data?.pages.flatMap(({ studies }) => studies);
  const { rows, asOf } = useRemembered<Study>("studies", settled === "" ? fresh : undefined, list.error);
  const shown = fresh ?? rows;
  const filtered = settled !== "" || Object.values(filters).some(Boolean);
  const change = (name: string, value: string) =>
    setParams(
      (now) => {
        if (value) now.set(name, value);
        else now.delete(name);
        return now;
      },
      { replace: true },
    );
  return (
    <Page title={t("studies.title")} documentTitle={t("studies.title")} lead={t("studies.lead")}>
      <FilterBar q={q} search={setQ} filters={filters} change={change} />
      <PacsAway />
      {asOf && <Banner tone="warn">{t("offline.as_of", { when: format.moment(new Date(asOf).toISOString()) })}</Banner>}
      {list.error && !asOf && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {!shown && !list.error && <Skeleton rows={8} />}
      {shown?.length === 0 &&
        (filtered ? (
          <Empty
            title={t("studies.none_found")}
            action={
              <Button
                onClick={() => {
                  setQ("");
                  setParams({}, { replace: true });
                }}
              >
                {t("studies.clear")}
              </Button>
            }
          />
        ) : (
          <Empty
            title={t("studies.empty")}
            action={
              mayUpload && (
                <Link to="/" className={buttonClass("primary")}>
                  {t("studies.upload")}
                </Link>
              )
            }
          >
            {t("studies.empty_text")}
          </Empty>
        ))}
      {shown && shown.length > 0 && <StudiesTable studies={shown} />}
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()} className="self-center">
          {t("more")}
        </Button>
      )}
    </Page>
  );
}

/** A PACS that does not answer: since when, and that nothing is lost by it. */
function PacsAway() {
  const t = useT();
  const format = useFormat();
  const { data } = useQuery(destinationsQuery);
  return data
    ?.filter(({ state }) => state === "down")
    .map(({ name, queue, since }) => (
      <Banner key={name} tone="warn">
        <bdi className="font-semibold">{name}</bdi> — {t("dest.safe", { n: queue.studies, when: format.moment(since) })}
      </Banner>
    ));
}

function StudiesTable({ studies }: { studies: Study[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <Table
      label={t("studies.title")}
      rows={studies}
      rowKey={(study) => study.study_instance_uid ?? `${study.received_at}${study.patient_id}`}
      columns={[
        {
          key: "patient",
          head: t("col.patient"),
          main: true,
          cell: (study) => (
            <>
              {study.study_instance_uid ? (
                <Link
                  to={`/studies/${study.study_instance_uid}`}
                  className="inline-flex min-h-6 items-center font-semibold text-accent underline"
                >
                  <bdi>{personName(study.patient_name) || t("unfinished.unnamed")}</bdi>
                </Link>
              ) : (
                t("studies.unparsed")
              )}
              {study.patient_id && (
                <span className="ms-2 text-muted">
                  <bdi>{study.patient_id}</bdi>
                </span>
              )}
            </>
          ),
        },
        { key: "date", nowrap: true, head: t("col.date"), cell: (study) => format.dicomDate(study.study_date) || "–" },
        { key: "modality", head: t("col.modality"), cell: (study) => study.modalities.join(", ") || "–" },
        { key: "description", head: t("col.description"), cell: (study) => <bdi>{study.description ?? "–"}</bdi> },
        { key: "level", head: t("col.level"), cell: (study) => t(`level.${study.service_level}`) },
        {
          key: "source",
          head: t("col.source"),
          cell: (study) => (study.source === "dicom" ? (study.calling_ae ?? "DICOM") : t("source.http")),
        },
        { key: "images", head: t("col.objects"), end: true, cell: (study) => format.number(study.instances) },
        {
          key: "received",
          nowrap: true,
          head: t("col.received"),
          cell: (study) => <time dateTime={study.received_at}>{format.ago(study.received_at)}</time>,
        },
        {
          key: "way",
          head: t("col.way"),
          cell: (study) => (
            <span className="inline-flex flex-wrap justify-end gap-1 sm:justify-start">
              {study.deliveries.map((delivery) => (
                <DeliveryChip key={delivery.destination ?? "none"} delivery={delivery} named={study.deliveries.length > 1} />
              ))}
            </span>
          ),
        },
      ]}
    />
  );
}
