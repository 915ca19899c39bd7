import type { Receipt } from "@/store/job";
import type { Response } from "./transport";

// What the box answers, and how it is read.

/** The judgement of one chunk. */
export type BatchAnswer = { file_id: string; chunk_index: number; status: string; error?: string | null };

export type StatusAnswer = {
  state: string;
  uploaded_bytes: number;
  files: Record<string, { received_chunks: number[]; complete: boolean; size: number; error?: string | null }>;
};

export const isChecksum = (answer: BatchAnswer) => /checksum|sha|digest/i.test(`${answer.status} ${answer.error ?? ""}`);

/** What a refusal says of itself: its detail, and which fields were wrong. */
export function words(answer: Response): string {
  const body = answer.body as { detail?: string; title?: string; errors?: { pointer: string; detail: string }[] } | null;
  const fields = body?.errors?.map(({ pointer, detail }) => `${pointer.replace(/^\//, "")}: ${detail}`).join("; ");
  return fields || body?.detail || body?.title || `status ${answer.status}`;
}

export function receiptOf(body: unknown, now: number): Receipt {
  const answer = body as Record<string, unknown>;
  return {
    status: String(answer.status ?? ""),
    reportId: (answer.report_id as string | null) ?? null,
    warnings: (answer.warnings as string[] | undefined) ?? [],
    processed: Number(answer.processed_files ?? 0),
    failed: Number(answer.failed_files ?? 0),
    files: ((answer.files as Receipt["files"] | undefined) ?? []).filter((file) => file.status !== "success").slice(0, 1000),
    completedAt: now,
  };
}
