/** A refusal of the box: problem details (RFC 9457) as an error. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  readonly traceId: string;
  /** What was wrong with which field, by JSON pointer. */
  readonly errors: { pointer: string; detail: string }[];
  /** Milliseconds to wait, where the box said so. */
  readonly retryAfterMs: number | null;
  readonly members: Record<string, unknown>;

  constructor(status: number, members: Record<string, unknown>, retryAfterMs: number | null = null) {
    const text = (key: string) => (typeof members[key] === "string" ? (members[key] as string) : "");
    super(text("detail") || text("title") || `status ${status}`);
    this.name = "ApiProblem";
    this.status = status;
    this.title = text("title");
    this.detail = text("detail");
    this.code = text("code");
    this.traceId = text("trace_id");
    this.errors = Array.isArray(members.errors) ? (members.errors as { pointer: string; detail: string }[]) : [];
    this.retryAfterMs = retryAfterMs;
    this.members = members;
  }
}

/** The box did not answer at all. */
export class Unreachable extends Error {
  constructor(cause?: unknown) {
    super("the box does not answer", { cause });
    this.name = "Unreachable";
  }
}

/** `Retry-After` in milliseconds: seconds or an HTTP date. */
export function retryAfter(header: string | null, now = Date.now()): number | null {
  if (!header) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Makes the error of a refusal, whatever its body is. */
export function problemOf(status: number, body: unknown, headers: Headers): ApiProblem {
  const members = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return new ApiProblem(status, members, retryAfter(headers.get("retry-after")));
}

/** Refusals by field name, for showing beside the fields: pointer `/email` becomes `email`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiProblem)) return {};
  return Object.fromEntries(error.errors.map(({ pointer, detail }) => [pointer.split("/").pop() ?? "", detail]));
}
