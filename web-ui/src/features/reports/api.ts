import { queryOptions } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { ReportStatus } from "@/api/types";

export const PER_PAGE = 50;
export const STATUSES = ["assigned", "pending", "ready", "additional_data_required"] as const satisfies readonly ReportStatus[];

/** Which states a report may go to (reference: assigned → pending → ready, back to pending when amended, more data from anywhere). */
export const NEXT: Record<ReportStatus, ReportStatus[]> = {
  assigned: ["pending", "additional_data_required"],
  pending: ["ready", "additional_data_required"],
  ready: ["pending", "additional_data_required"],
  additional_data_required: ["pending"],
};

export const reportsQuery = (status: ReportStatus | "all", page: number) =>
  queryOptions({
    queryKey: ["reports", status, page],
    queryFn: () =>
      call(
        api.GET("/api/v1/reports", {
          params: { query: { ...(status === "all" ? {} : { status }), limit: PER_PAGE, offset: page * PER_PAGE } },
        }),
      ),
    placeholderData: (old) => old,
  });

const at = (id: string) => ({ params: { path: { id } } });

export const reportQuery = (id: string) =>
  queryOptions({ queryKey: ["report", id], queryFn: () => call(api.GET("/api/v1/reports/{id}", at(id))) });
export const markRead = (id: string) => call(api.POST("/api/v1/reports/{id}/read", at(id)));
export const syncReport = (id: string) => call(api.POST("/api/v1/reports/{id}/sync", at(id)));
export const changeReport = (id: string, change: { status?: ReportStatus; radiologist_name?: string; report_text?: string }) =>
  call(api.PATCH("/api/v1/reports/{id}", { ...at(id), body: change }));

/** The PDF of a report. `progress` hears the share that is here, where the box says how long the file is. */
export async function fetchPdf(id: string, progress?: (share: number) => void): Promise<Blob> {
  const { data, error, response } = await api.GET("/api/v1/reports/{id}/download", { ...at(id), parseAs: "stream" });
  if (!response.ok) return call(Promise.resolve({ error, response }));
  const stream = data as unknown as ReadableStream<Uint8Array>;
  const total = Number(response.headers.get("content-length") ?? 0);
  const parts: BlobPart[] = [];
  let here = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value as BlobPart);
    here += value.length;
    if (total > 0) progress?.(Math.min(1, here / total));
  }
  return new Blob(parts, { type: "application/pdf" });
}

/** Saves a report as a file. */
export async function downloadPdf(id: string, progress: (share: number) => void): Promise<void> {
  const blob = await fetchPdf(id, progress);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `report-${id}.pdf`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
