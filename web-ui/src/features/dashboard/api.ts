import { queryOptions } from "@tanstack/react-query";
import { api, call } from "@/api/client";

export const PERIODS = ["1w", "2w", "1m", "3m", "6m", "all"] as const;
export type Period = (typeof PERIODS)[number];

const EVERY_MS = 60_000;

export const statsQuery = (period: Period) =>
  queryOptions({
    queryKey: ["stats", period],
    queryFn: () => call(api.GET("/api/v1/upload/stats", { params: { query: { period } } })),
    refetchInterval: EVERY_MS,
  });

export const trendQuery = (period: Period) =>
  queryOptions({
    queryKey: ["stats", "trend", period],
    queryFn: () => call(api.GET("/api/v1/upload/stats/trend", { params: { query: { period } } })),
    refetchInterval: EVERY_MS,
  });

/** The table as a file. The request carries the session, so the browser cannot fetch it by itself. */
export async function downloadCsv(period: Period): Promise<void> {
  const blob = (await call(api.GET("/api/v1/upload/stats/export", { params: { query: { period } }, parseAs: "blob" }))) as unknown as Blob;
  save(blob, `relaypacs_stats_${period}.csv`);
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
