import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX, HardDrive, Layers, type LucideIcon, RefreshCw } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Stats } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useRole } from "@/api/useSession";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass, IconButton } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Page } from "@/ui/Page";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { downloadCsv, PERIODS, type Period, statsQuery, trendQuery } from "./api";
import { successShare } from "./data";
import { Figures } from "./Figures";

/** Figures of what was sent. */
export function DashboardPage() {
  const t = useT();
  const format = useFormat();
  const client = useQueryClient();
  const offline = useOffline();
  const admin = useRole("admin");
  const mayUpload = useRole("clinician", "radiographer", "admin");
  const [period, setPeriod] = useState<Period>("1w");
  const stats = useQuery({ ...statsQuery(period), placeholderData: (old) => old });
  const trend = useQuery({ ...trendQuery(period), placeholderData: (old) => old });
  const csv = useMutation({ mutationFn: () => downloadCsv(period) });
  return (
    <Page
      title={t("dash.title")}
      documentTitle={t("dash.title")}
      lead={stats.data && t("dash.as_of", { when: format.moment(stats.data.last_updated) })}
      actions={
        <>
          <Choice
            label={t("dash.period")}
            value={period}
            onChange={setPeriod}
            options={PERIODS.map((key) => ({ key, label: t(`period.${key}`) }))}
          />
          <IconButton
            label={t("dash.refresh")}
            title={t("dash.refresh")}
            disabled={offline}
            onClick={() => void client.invalidateQueries({ queryKey: ["stats"] })}
          >
            <RefreshCw size={18} aria-hidden="true" className={stats.isFetching ? "animate-spin" : ""} />
          </IconButton>
          {admin && (
            <Button busy={csv.isPending} disabled={offline} onClick={() => csv.mutate()}>
              {t("dash.csv")}
            </Button>
          )}
        </>
      }
    >
      {csv.error && <Trouble error={csv.error} compact />}
      {stats.error && <Trouble error={stats.error} retry={() => void stats.refetch()} />}
      {stats.isPending && <Skeleton rows={2} height="h-32" />}
      {stats.data && <Cards stats={stats.data} />}
      {stats.data?.total_uploads === 0 && (
        <Empty
          title={t("dash.empty")}
          action={
            mayUpload && (
              <Link to="/" className={buttonClass("primary")}>
                {t("studies.upload")}
              </Link>
            )
          }
        >
          {t("dash.empty_text")}
        </Empty>
      )}
      {stats.data && stats.data.total_uploads > 0 && <Figures stats={stats.data} trend={trend.data} />}
      {trend.error && !stats.error && <Trouble error={trend.error} retry={() => void trend.refetch()} compact />}
    </Page>
  );
}

function Cards({ stats }: { stats: Stats }) {
  const t = useT();
  const format = useFormat();
  const share = successShare(stats);
  return (
    <div className="grid grid-cols-1 gap-4 min-[420px]:grid-cols-2 lg:grid-cols-4">
      <Card testid="card-total" Icon={Layers} name={t("dash.total")} value={format.number(stats.total_uploads)} />
      <Card
        testid="card-success"
        Icon={CircleCheck}
        name={t("dash.success")}
        value={share === null ? "–" : format.number(share, { style: "percent", maximumFractionDigits: 1 })}
      />
      <Card testid="card-failed" Icon={CircleX} name={t("dash.failed")} value={format.number(stats.failed_uploads)} />
      <Card testid="card-volume" Icon={HardDrive} name={t("dash.volume")} value={format.bytes(stats.total_bytes)} />
    </div>
  );
}

function Card({ name, value, Icon, testid }: { name: string; value: string; Icon: LucideIcon; testid: string }) {
  return (
    <div className="card flex items-start justify-between gap-3 p-5">
      <div>
        <p className="text-sm text-muted">{name}</p>
        <p data-testid={testid} className="text-xl font-bold">
          {value}
        </p>
      </div>
      <Icon size={22} aria-hidden="true" className="text-accent" />
    </div>
  );
}
