import type { Stats, Trend } from "@/api/types";

export type Slice = { key: string; count: number; share: number };

/** Told apart by people who see few colours (Okabe and Ito), each ≥ 3:1 on both backgrounds where it matters; words stand beside them. */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#AA3377"] as const;

export const colourOf = (place: number): string => COLOURS[place % COLOURS.length] as string;

/** At most so many slices can be told apart; the rest becomes one. */
const SLICES = 5;

/** Counts by key, largest first, with shares; what is beyond the fifth is `other`. */
export function slices(counts: Record<string, number>): Slice[] {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return [];
  const sorted = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
  const shown = sorted.length > SLICES ? sorted.slice(0, SLICES - 1) : sorted;
  const rest = sorted.slice(shown.length).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(rest > 0 ? [["other", rest] as const] : [])].map(([key, count]) => ({ key, count, share: count / total }));
}

export type Level = { key: string; count: number };

const LEVELS = ["stat", "emergency", "routine", "subspecialty"] as const;

/** Every service level in order of urgency, also those nobody used. */
export const levels = (stats: Stats): Level[] => LEVELS.map((key) => ({ key, count: stats.service_level[key] ?? 0 }));

export type TrendRow = { date: string; good: number; failed: number; bytes: number };

/** The trend by day; more than 60 days are joined by week, so that a phone can show them. */
export function trendRows(trend: Trend): TrendRow[] {
  const days = trend.data.map(({ date, count, failed, bytes }) => ({ date, good: count - failed, failed, bytes }));
  if (days.length <= 60) return days;
  const weeks: TrendRow[] = [];
  for (let start = 0; start < days.length; start += 7) {
    const week = days.slice(start, start + 7);
    const first = week[0] as TrendRow;
    weeks.push(
      week.reduce(
        (sum, day) => ({ date: first.date, good: sum.good + day.good, failed: sum.failed + day.failed, bytes: sum.bytes + day.bytes }),
        { date: first.date, good: 0, failed: 0, bytes: 0 },
      ),
    );
  }
  return weeks;
}

/** The success rate as a share of one, whichever way the box counts it; null when nothing was sent. */
export function successShare(stats: Stats): number | null {
  return stats.total_uploads > 0 ? stats.successful_uploads / stats.total_uploads : null;
}
