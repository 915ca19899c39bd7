import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import type { Report, ReportStatus } from "@/api/types";
import { useRemembered } from "@/api/useRemembered";
import { useRole } from "@/api/useSession";
import { personName, useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Page } from "@/ui/Page";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { Table } from "@/ui/Table";
import { PER_PAGE, reportsQuery, STATUSES } from "./api";
import { DownloadButton } from "./DownloadButton";
import { ReportStatusChip } from "./ReportStatusChip";

type Filter = ReportStatus | "all";

/** Reports by state, newest first; what is unread stands out. */
export function ReportsPage() {
  const t = useT();
  const format = useFormat();
  const [params, setParams] = useSearchParams();
  const status = (STATUSES as readonly string[]).includes(params.get("status") ?? "") ? (params.get("status") as Filter) : "all";
  const page = Math.max(0, Number(params.get("page") ?? 1) - 1 || 0);
  const mayUpload = useRole("clinician", "radiographer", "admin");
  const list = useQuery(reportsQuery(status, page));
  const { rows, asOf } = useRemembered<Report>("reports", list.data?.reports, list.error);
  const unread: Partial<Record<ReportStatus, number>> = list.data?.unread ?? {};
  const all = Object.values(unread).reduce((sum, count) => sum + count, 0);
  const choose = (key: Filter) => setParams(key === "all" ? {} : { status: key });
  const turn = (to: number) => setParams({ ...(status === "all" ? {} : { status }), ...(to > 0 ? { page: String(to + 1) } : {}) });
  const count = (n: number | undefined) => ({ count: n, countLabel: n ? t("report.unread", { n }) : undefined });
  return (
    <Page title={t("reports.title")} testid="reports-header" documentTitle={t("reports.title")}>
      <Choice
        label={t("col.status")}
        value={status}
        onChange={choose}
        options={[
          { key: "all" as Filter, label: t("filter.all"), ...count(all) },
          ...STATUSES.map((key) => ({ key: key as Filter, label: t(`report.${key}`), ...count(unread[key]) })),
        ]}
      />
      {asOf && <Banner tone="warn">{t("offline.as_of", { when: format.moment(new Date(asOf).toISOString()) })}</Banner>}
      {list.error && !asOf && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {!rows && !list.error && <Skeleton rows={8} />}
      {rows?.length === 0 && (
        <Empty
          testid="reports-empty"
          title={t(status === "all" ? "reports.empty" : "reports.none_found")}
          action={
            status !== "all" ? (
              <Button onClick={() => choose("all")}>{t("studies.clear")}</Button>
            ) : (
              mayUpload && (
                <Link to="/" className={buttonClass("primary")}>
                  {t("studies.upload")}
                </Link>
              )
            )
          }
        >
          {t("reports.empty_text")}
        </Empty>
      )}
      {rows && rows.length > 0 && (
        <div data-testid="reports-list">
          <ReportsTable reports={rows} />
        </div>
      )}
      {list.data && list.data.total > PER_PAGE && <Pager page={page} total={list.data.total} turn={turn} />}
    </Page>
  );
}

function ReportsTable({ reports }: { reports: Report[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <Table
      label={t("reports.title")}
      rows={reports}
      rowKey={({ id }) => id}
      unread={({ is_read }) => !is_read}
      columns={[
        {
          key: "patient",
          head: t("col.patient"),
          main: true,
          cell: (report) => (
            <Link to={`/reports/${report.id}`} className="inline-block min-h-6 text-accent underline">
              <bdi>{personName(report.patient_name) || t("unfinished.unnamed")}</bdi>
              {!report.is_read && (
                <span className="ms-2 inline-block size-2 rounded-full bg-accent" role="img" aria-label={t("report.new")} />
              )}
            </Link>
          ),
        },
        {
          key: "date",
          nowrap: true,
          head: t("col.created"),
          cell: (report) => <time dateTime={report.created_at}>{format.moment(report.created_at)}</time>,
        },
        { key: "modality", head: t("col.modality"), cell: (report) => report.modality },
        { key: "level", head: t("col.level"), cell: (report) => t(`level.${report.service_level}`) },
        { key: "status", head: t("col.status"), cell: (report) => <ReportStatusChip status={report.status} /> },
        { key: "radiologist", head: t("col.radiologist"), cell: (report) => <bdi>{report.radiologist_name ?? "–"}</bdi> },
        { key: "updated", nowrap: true, head: t("col.updated"), cell: (report) => format.ago(report.updated_at) },
        { key: "pdf", head: t("col.pdf"), cell: (report) => <DownloadButton report={report} /> },
      ]}
    />
  );
}

function Pager({ page, total, turn }: { page: number; total: number; turn: (page: number) => void }) {
  const t = useT();
  const last = Math.ceil(total / PER_PAGE) - 1;
  return (
    <nav aria-label={t("pager.label")} className="flex items-center justify-center gap-4">
      <button type="button" className={buttonClass()} disabled={page === 0} onClick={() => turn(page - 1)}>
        {t("pager.back")}
      </button>
      <span className="text-sm">{t("pager.at", { page: page + 1, of: last + 1 })}</span>
      <button type="button" className={buttonClass()} disabled={page >= last} onClick={() => turn(page + 1)}>
        {t("pager.next")}
      </button>
    </nav>
  );
}
