import { type ReactNode, useMemo, useState } from "react";
import { Bar, BarChart, CartesianGrid, Cell, Line, LineChart, Pie, PieChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Stats, Trend } from "@/api/types";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { levels, slices, trendRows } from "./data";

/** Told apart by people who see few colours (Okabe and Ito), each ≥ 3:1 on both backgrounds where it matters; words stand beside them. */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#AA3377"];
const AXIS = { stroke: "var(--muted)", fontSize: 12, tickLine: false } as const;
const TIP = { background: "var(--surface)", border: "1px solid var(--line)", borderRadius: 8, color: "var(--text)" } as const;

export default function Charts({ stats, trend }: { stats: Stats; trend: Trend | undefined }) {
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <ModalityChart stats={stats} />
      <LevelChart stats={stats} />
      <div className="lg:col-span-2">{trend && <TrendChart trend={trend} />}</div>
    </div>
  );
}

type Cells = (string | number)[];

/** A chart with its numbers as a table at hand. */
function Figure({ title, head, rows, children }: { title: string; head: string[]; rows: Cells[]; children: ReactNode }) {
  const t = useT();
  const [table, setTable] = useState(false);
  return (
    <figure className="card flex flex-col gap-3 p-5">
      <figcaption className="flex items-center justify-between gap-2">
        <span className="text-base font-semibold">{title}</span>
        <Button look="quiet" onClick={() => setTable(!table)} aria-label={`${title}: ${t(table ? "chart.chart" : "chart.table")}`}>
          {t(table ? "chart.chart" : "chart.table")}
        </Button>
      </figcaption>
      {table ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className="max-h-72 overflow-auto" tabIndex={0} aria-label={title}>
          <table className="w-full text-sm">
            <thead>
              <tr>
                {head.map((name) => (
                  <th key={name} scope="col" className="px-2 py-1 text-start">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells) => (
                <tr key={cells[0]} className="border-t border-line">
                  {cells.map((cell, place) => (
                    <td key={head[place]} className="px-2 py-1">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <div className="h-72" aria-hidden="true" dir="ltr">
          {children}
        </div>
      )}
    </figure>
  );
}

function ModalityChart({ stats }: { stats: Stats }) {
  const t = useT();
  const format = useFormat();
  const other = t("chart.other");
  const data = useMemo(
    () => slices(stats.modality).map((slice) => ({ ...slice, name: slice.key === "other" ? other : slice.key })),
    [stats.modality, other],
  );
  return (
    <Figure
      title={t("chart.modality")}
      head={[t("col.modality"), t("chart.count"), t("chart.share")]}
      rows={data.map(({ name, count, share }) => [name, count, format.number(share, { style: "percent" })])}
    >
      <ResponsiveContainer width="100%" height="80%">
        <PieChart accessibilityLayer={false}>
          <Pie
            rootTabIndex={-1}
            data={data}
            dataKey="count"
            nameKey="name"
            innerRadius="55%"
            outerRadius="95%"
            isAnimationActive={false}
            stroke={data.length > 1 ? "var(--surface)" : "none"}
          >
            {data.map(({ key }, place) => (
              <Cell key={key} fill={COLOURS[place % COLOURS.length] as string} />
            ))}
          </Pie>
          <Tooltip contentStyle={TIP} itemStyle={{ color: "var(--text)" }} />
        </PieChart>
      </ResponsiveContainer>
      <ul className="flex h-1/5 flex-wrap content-center justify-center gap-x-4 gap-y-1 text-sm">
        {data.map(({ key, name, count }, place) => (
          <li key={key} className="flex items-center gap-2">
            <svg width="12" height="12" aria-hidden="true">
              <rect width="12" height="12" rx="3" fill={COLOURS[place % COLOURS.length]} />
            </svg>
            {name} <strong>{format.number(count)}</strong>
          </li>
        ))}
      </ul>
    </Figure>
  );
}

function LevelChart({ stats }: { stats: Stats }) {
  const t = useT();
  const data = useMemo(() => levels(stats), [stats]);
  const name = (key: string) => t(`level.${key}`);
  return (
    <Figure title={t("chart.level")} head={[t("col.level"), t("chart.count")]} rows={data.map(({ key, count }) => [name(key), count])}>
      <ResponsiveContainer width="100%" height="100%">
        <BarChart accessibilityLayer={false} data={data} margin={{ top: 20 }}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis dataKey="key" tickFormatter={name} {...AXIS} />
          <YAxis allowDecimals={false} width={36} {...AXIS} />
          <Tooltip
            contentStyle={TIP}
            itemStyle={{ color: "var(--text)" }}
            cursor={{ fill: "var(--sunken)" }}
            labelFormatter={(key) => name(String(key))}
          />
          <Bar
            dataKey="count"
            name={t("chart.count")}
            fill={COLOURS[0] as string}
            radius={[6, 6, 0, 0]}
            isAnimationActive={false}
            label={{ position: "top", fill: "var(--text)", fontSize: 12 }}
          />
        </BarChart>
      </ResponsiveContainer>
    </Figure>
  );
}

function TrendChart({ trend }: { trend: Trend }) {
  const t = useT();
  const format = useFormat();
  const data = useMemo(() => trendRows(trend), [trend]);
  const day = (date: string) => format.dicomDate(date);
  return (
    <Figure
      title={t("chart.trend")}
      head={[t("col.date"), t("chart.good"), t("chart.failed"), t("chart.bytes")]}
      rows={data.map(({ date, good, failed, bytes }) => [day(date), good, failed, format.bytes(bytes)])}
    >
      <ResponsiveContainer width="100%" height="100%">
        <LineChart accessibilityLayer={false} data={data} margin={{ top: 10, right: 20 }}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis dataKey="date" tickFormatter={format.day} minTickGap={40} {...AXIS} />
          <YAxis allowDecimals={false} width={36} {...AXIS} />
          <Tooltip contentStyle={TIP} itemStyle={{ color: "var(--text)" }} labelFormatter={(date) => day(String(date))} />
          <Line
            dataKey="good"
            name={t("chart.good")}
            stroke={COLOURS[0] as string}
            strokeWidth={2}
            dot={data.length < 32}
            isAnimationActive={false}
          />
          <Line
            dataKey="failed"
            name={t("chart.failed")}
            stroke={COLOURS[1] as string}
            strokeWidth={2}
            strokeDasharray="6 4"
            dot={false}
            isAnimationActive={false}
          />
        </LineChart>
      </ResponsiveContainer>
    </Figure>
  );
}
