import { Bar, BarChart, CartesianGrid, Cell, Line, LineChart, Pie, PieChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { colourOf, type Level, type Slice, type TrendRow } from "./data";

const AXIS = { stroke: "var(--muted)", fontSize: 12, tickLine: false } as const;
const TIP = { background: "var(--surface)", border: "1px solid var(--line)", borderRadius: 8, color: "var(--text)" } as const;
const TEXT = { color: "var(--text)" } as const;

export function ModalityChart({ data }: { data: (Slice & { name: string })[] }) {
  return (
    <ResponsiveContainer width="100%" height="100%">
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
            <Cell key={key} fill={colourOf(place)} />
          ))}
        </Pie>
        <Tooltip contentStyle={TIP} itemStyle={TEXT} isAnimationActive={false} />
      </PieChart>
    </ResponsiveContainer>
  );
}

/** Lying bars: the names of the levels have room on the narrowest phone. */
export function LevelChart({ data }: { data: Level[] }) {
  const t = useT();
  const name = (key: string) => t(`level.${key}`);
  return (
    <ResponsiveContainer width="100%" height="100%">
      <BarChart accessibilityLayer={false} layout="vertical" data={data} margin={{ right: 36 }}>
        <CartesianGrid stroke="var(--line)" horizontal={false} />
        <XAxis type="number" allowDecimals={false} {...AXIS} />
        <YAxis type="category" dataKey="key" tickFormatter={name} interval={0} width={92} {...AXIS} />
        <Tooltip
          contentStyle={TIP}
          itemStyle={TEXT}
          isAnimationActive={false}
          cursor={{ fill: "var(--sunken)" }}
          labelFormatter={(key) => name(String(key))}
        />
        <Bar
          dataKey="count"
          name={t("chart.count")}
          fill={colourOf(0)}
          radius={[0, 6, 6, 0]}
          isAnimationActive={false}
          label={{ position: "right", fill: "var(--text)", fontSize: 12 }}
        />
      </BarChart>
    </ResponsiveContainer>
  );
}

export function TrendChart({ data }: { data: TrendRow[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <ResponsiveContainer width="100%" height="100%">
      <LineChart accessibilityLayer={false} data={data} margin={{ top: 10, right: 20 }}>
        <CartesianGrid stroke="var(--line)" vertical={false} />
        <XAxis dataKey="date" tickFormatter={format.day} minTickGap={40} {...AXIS} />
        <YAxis allowDecimals={false} width={36} {...AXIS} />
        <Tooltip contentStyle={TIP} itemStyle={TEXT} isAnimationActive={false} labelFormatter={(date) => format.dicomDate(String(date))} />
        <Line dataKey="good" name={t("chart.good")} stroke={colourOf(0)} strokeWidth={2} dot={data.length < 32} isAnimationActive={false} />
        <Line
          dataKey="failed"
          name={t("chart.failed")}
          stroke={colourOf(1)}
          strokeWidth={2}
          strokeDasharray="6 4"
          dot={false}
          isAnimationActive={false}
        />
      </LineChart>
    </ResponsiveContainer>
  );
}
