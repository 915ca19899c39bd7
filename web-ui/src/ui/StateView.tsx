import { CloudOff, Lock, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiProblem, Unreachable } from "@/api/problem";
import { useBoxWords } from "@/i18n/box";
import { i18n } from "@/i18n/i18n";
import { useT } from "@/i18n/useT";
import { Button } from "./Button";

/** Nothing here yet: what will appear, and how to start it. */
export function Empty({ title, children, action, testid }: { title: string; children?: ReactNode; action?: ReactNode; testid?: string }) {
  return (
    <div data-testid={testid} className="card flex flex-col items-center gap-3 px-6 py-12 text-center">
      <p className="text-lg font-semibold">{title}</p>
      {children && <p className="max-w-prose text-sm text-muted">{children}</p>}
      {action}
    </div>
  );
}

/** What went wrong, what to do, and the trace id for whoever helps. Never raw text of a program. */
export function Trouble({ error, retry, compact = false }: { error: unknown; retry?: () => void; compact?: boolean }) {
  const t = useT();
  const words = useBoxWords();
  const { title, detail, todo } = wordsFor(error, t, (text) => words(text) ?? text);
  const Icon = error instanceof Unreachable ? CloudOff : TriangleAlert;
  return (
    <div
      role="alert"
      className={`flex flex-wrap items-start gap-3 rounded-xl bg-bad-soft px-4 text-sm text-bad ${compact ? "py-2" : "py-4"}`}
    >
      <Icon size={20} aria-hidden="true" className="mt-0.5 shrink-0" />
      <div className="min-w-0 flex-1 basis-40">
        <p className="font-semibold">
          <bdi>{title}</bdi>
        </p>
        {detail && (
          <p>
            <bdi>{detail}</bdi>
          </p>
        )}
        {todo && <p>{todo}</p>}
        {error instanceof ApiProblem && error.traceId && (
          <p className="mt-1 text-xs">
            {t("trouble.trace")} <code>{error.traceId}</code>
          </p>
        )}
      </div>
      {retry && <Button onClick={retry}>{t("retry")}</Button>}
    </div>
  );
}

/** Refusals that the page names in its own language, by their code. */
const CODES = new Set([
  "unreadable_request",
  "unauthorized",
  "invalid_credentials",
  "totp_required",
  "account_disabled",
  "local_only",
  "report_not_ready",
  "conflict",
  "DUPLICATE_STUDY",
  "chunk_differs",
  "incomplete",
  "read_only",
  "taken",
  "in_use",
  "payload_too_large",
  "invalid_request",
  "checksum_mismatch",
  "unavailable",
  "disk_full",
]);

/** Refusals of which the box's own words tell what must be changed; of others the title says it all. */
const TELLING = new Set([400, 409, 413, 415, 422]);

function wordsFor(
  error: unknown,
  t: (id: string, values?: Record<string, unknown>) => string,
  meaning: (text: string) => string,
): { title: string; detail?: string; todo?: string } {
  if (error instanceof Unreachable) return { title: t("trouble.unreachable"), todo: t("trouble.unreachable.todo") };
  if (!(error instanceof ApiProblem)) return { title: t("trouble.page"), todo: t("trouble.page.todo") };
  const named = CODES.has(error.code) ? t(`problem.${error.code}`) : "";
  // The box speaks English.
  const english = i18n.locale === "en" || TELLING.has(error.status);
  const said = english ? error.errors.map((one) => meaning(one.detail)).join(" · ") || meaning(error.detail) : "";
  if (error.status === 403) return { title: named || t("trouble.forbidden"), detail: said };
  if (error.status === 404) return { title: named || t("trouble.missing"), detail: said };
  if (error.status === 429)
    return { title: t("trouble.limit"), todo: t("trouble.limit.todo", { seconds: Math.ceil((error.retryAfterMs ?? 1000) / 1000) }) };
  const title = named || (english && error.title) || t("trouble.box");
  return { title, detail: said, ...(error.status >= 500 ? { todo: t("trouble.box.todo") } : {}) };
}

/** For people whose role does not reach here. */
export function NoRole({ roles }: { roles: string }) {
  const t = useT();
  return (
    <div className="card flex flex-col items-center gap-3 px-6 py-12 text-center">
      <Lock size={32} aria-hidden="true" className="text-muted" />
      <h1 className="text-lg font-semibold">{t("norole.title")}</h1>
      <p className="text-sm text-muted">{t("norole.text", { roles })}</p>
    </div>
  );
}

/** Grey shapes of the size of what is coming. */
export function Skeleton({ rows = 6, height = "h-14" }: { rows?: number; height?: string }) {
  const t = useT();
  return (
    <div role="status" aria-label={t("loading")} className="flex flex-col gap-2">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike and never move
        <div key={row} className={`${height} animate-pulse rounded-xl bg-sunken`} />
      ))}
    </div>
  );
}
