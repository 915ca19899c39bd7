import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Printer } from "lucide-react";
import { lazy, Suspense, useEffect } from "react";
import { Link, useParams } from "react-router";
import { ApiProblem } from "@/api/problem";
import type { Report } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useRole } from "@/api/useSession";
import { personName, useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { Page, Section } from "@/ui/Page";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { markRead, reportQuery, syncReport } from "./api";
import { DownloadButton } from "./DownloadButton";
import { ReportEditor } from "./ReportEditor";
import { ReportStatusChip } from "./ReportStatusChip";

const PdfView = lazy(() => import("./PdfView"));

/** One report: its text, its PDF, or why there is none yet. */
export function ReportPage() {
  const t = useT();
  const { id = "" } = useParams();
  const client = useQueryClient();
  const report = useQuery(reportQuery(id));
  const unread = report.data?.is_read === false;
  useEffect(() => {
    if (!unread) return;
    void markRead(id)
      .then(() => client.invalidateQueries({ queryKey: ["reports"] }))
      .catch(() => undefined);
  }, [id, unread, client]);
  const title = t("report.title");
  return (
    <Page
      title={report.data ? <bdi>{personName(report.data.patient_name) || title}</bdi> : title}
      documentTitle={title}
      narrow
      actions={
        <span className="no-print flex flex-wrap gap-2">
          <Link to="/reports" className={buttonClass()}>
            {t("report.back")}
          </Link>
          {report.data && (
            <Link to={`/studies/${report.data.study_instance_uid}`} className={buttonClass()}>
              {t("study.title")}
            </Link>
          )}
          {report.data?.status === "ready" && (
            <>
              <Button icon={<Printer size={16} aria-hidden="true" />} onClick={() => print()}>
                {t("report.print")}
              </Button>
              <DownloadButton report={report.data} />
            </>
          )}
        </span>
      }
    >
      {report.isPending && <Skeleton rows={5} />}
      {report.error && <Trouble error={report.error} retry={() => void report.refetch()} />}
      {report.data && <Detail report={report.data} />}
    </Page>
  );
}

function Detail({ report }: { report: Report }) {
  const t = useT();
  const format = useFormat();
  const writes = useRole("radiologist", "admin");
  const ready = report.status === "ready";
  return (
    <>
      <Facts
        rows={[
          [t("col.status"), <ReportStatusChip key="status" status={report.status} />],
          [t("col.modality"), report.modality],
          [t("col.description"), <bdi key="d">{report.study_description ?? "–"}</bdi>],
          [t("col.level"), t(`level.${report.service_level}`)],
          [t("col.radiologist"), <bdi key="r">{report.radiologist_name ?? "–"}</bdi>],
          [t("col.updated"), format.moment(report.updated_at, "full")],
        ]}
      />
      {!ready && <NotReady report={report} />}
      {report.report_text && (
        <Section title={t("report.text")}>
          <p className="whitespace-pre-wrap [unicode-bidi:plaintext]">{report.report_text}</p>
        </Section>
      )}
      {ready && (
        <div className="no-print">
          <Suspense fallback={<Skeleton rows={1} height="h-96" />}>
            <PdfView id={report.id} version={report.updated_at} />
          </Suspense>
        </div>
      )}
      {writes && (
        <div className="no-print">
          <ReportEditor key={report.id} report={report} />
        </div>
      )}
    </>
  );
}

function NotReady({ report }: { report: Report }) {
  const t = useT();
  const format = useFormat();
  const offline = useOffline();
  const client = useQueryClient();
  const ask = useMutation({
    mutationFn: () => syncReport(report.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ["report", report.id] }),
  });
  return (
    <Banner
      tone="info"
      role="status"
      action={
        <Button busy={ask.isPending} disabled={offline} onClick={() => ask.mutate()}>
          {t("report.ask")}
        </Button>
      }
    >
      <p className="font-semibold">{t(`report.${report.status}_text`)}</p>
      <p>{t("report.since", { when: format.moment(report.updated_at) })}</p>
      {ask.isSuccess && <p>{t("report.asked")}</p>}
      {ask.error && <p>{ask.error instanceof ApiProblem ? ask.error.detail || ask.error.title : t("trouble.unreachable")}</p>}
    </Banner>
  );
}
