import { lazy, useMemo } from "react";
import type { Stats, Trend } from "@/api/types";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { colourOf, levels, slices, trendRows } from "./data";
import { Figure } from "./Figure";

// What draws is the largest piece of the page and comes when a drawing is near; names, numbers and tables are there before.
const ModalityChart = lazy(async () => ({ default: (await import("./Charts")).ModalityChart }));
const LevelChart = lazy(async () => ({ default: (await import("./Charts")).LevelChart }));
const TrendChart = lazy(async () => ({ default: (await import("./Charts")).TrendChart }));

export function Figures({ stats, trend }: { stats: Stats; trend: Trend | undefined }) {
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Modalities stats={stats} />
      <Levels stats={stats} />
      <div className="lg:col-span-2">{trend && <Days trend={trend} />}</div>
    </div>
  );
}

function Modalities({ stats }: { stats: Stats }) {
  const t = useT();
  const format = useFormat();
  const other = t("chart.other");
  const data = useMemo(
    () => slices(stats.modality).map((slice) => ({ ...slice, name: slice.key === "other" ? other : slice.key })),
    [stats.modality, other],
  );
  const legend = (
    <ul className="flex h-1/5 flex-wrap content-center justify-center gap-x-4 gap-y-1 text-sm">
      {data.map(({ key, name, count }, place) => (
        <li key={key} className="flex items-center gap-2">
          <svg width="12" height="12" aria-hidden="true">
            <rect width="12" height="12" rx="3" fill={colourOf(place)} />
          </svg>
          {name} <strong>{format.number(count)}</strong>
        </li>
      ))}
    </ul>
  );
  return (
    <Figure
      title={t("chart.modality")}
      head={[t("col.modality"), t("chart.count"), t("chart.share")]}
      rows={data.map(({ name, count, share }) => [name, count, format.number(share, { style: "percent" })])}
      legend={legend}
    >
      <ModalityChart data={data} />
    </Figure>
  );
}

function Levels({ stats }: { stats: Stats }) {
  const t = useT();
  const data = useMemo(() => levels(stats), [stats]);
  return (
    <Figure
      title={t("chart.level")}
      head={[t("col.level"), t("chart.count")]}
      rows={data.map(({ key, count }) => [t(`level.${key}`), count])}
    >
      <LevelChart data={data} />
    </Figure>
  );
}

function Days({ trend }: { trend: Trend }) {
  const t = useT();
  const format = useFormat();
  const data = useMemo(() => trendRows(trend), [trend]);
  const legend = (
    <ul className="flex flex-wrap justify-center gap-x-4 gap-y-1 pt-2 text-sm">
      {["chart.good", "chart.failed"].map((id, place) => (
        <li key={id} className="flex items-center gap-2">
          <svg width="24" height="4" aria-hidden="true">
            <path d="M0 2h24" stroke={colourOf(place)} strokeWidth="3" strokeDasharray={place === 0 ? "none" : "6 3"} />
          </svg>
          {t(id)}
        </li>
      ))}
    </ul>
  );
  return (
    <Figure
      title={t("chart.trend")}
      legend={legend}
      head={[t("col.date"), t("chart.good"), t("chart.failed"), t("chart.bytes")]}
      rows={data.map(({ date, good, failed, bytes }) => [format.dicomDate(date), good, failed, format.bytes(bytes)])}
    >
      <TrendChart data={data} />
    </Figure>
  );
}
