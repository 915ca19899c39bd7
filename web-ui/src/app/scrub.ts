import type { ErrorEvent } from "@sentry/react";

const UID = /\b[0-2](\.\d+){3,}\b/g;
const UUID = /\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi;
/** A DICOM name (components joined by `^`), and the capitalised words behind it. */
const PERSON_NAME = /[^\s^]+(?:\^[^\s^]*)+(?:\s\p{Lu}[\p{L}\p{M}]+)*/gu;
const NUMBER = /\d{4,}/g;
const QUOTED = /(["'“‘«]).*?(["'”’»])/gu;
const FILE = /[^\s/\\]+\.(dcm|zip|ima?)\b/gi;

/** Text without what could be a patient's: names, UIDs, ids, numbers, quotations, file names. */
export function scrubText(text: string): string {
  return text
    .replace(UUID, "<id>")
    .replace(UID, "<uid>")
    .replace(PERSON_NAME, "<name>")
    .replace(FILE, "<file>")
    .replace(QUOTED, "<text>")
    .replace(NUMBER, "<n>");
}

/** `/studies/1.2.3?q=x#y` as `/studies/<id>`: which page, never of whom. */
export function scrubUrl(url: string): string {
  const { pathname } = new URL(url, "http://box");
  const [, page = "", item] = pathname.split("/");
  return item === undefined || page === "assets" ? pathname : `/${page}/<id>`;
}

/** An event as it may leave: what failed and where in the code; nothing of what people see, typed or asked for. */
export function scrub(event: ErrorEvent): ErrorEvent {
  const { event_id, timestamp, level, platform, release, environment, exception, type, user, tags, sdk, debug_meta } = event;
  for (const value of exception?.values ?? []) {
    // A refusal's words are the box's; they may repeat what was sent.
    value.value = value.type === "ApiProblem" ? "refusal" : scrubText(value.value ?? "");
    for (const frame of value.stacktrace?.frames ?? []) {
      delete frame.vars;
      delete frame.context_line;
      delete frame.pre_context;
      delete frame.post_context;
    }
  }
  const kept: ErrorEvent = { type };
  return Object.assign(kept, {
    event_id,
    timestamp,
    level,
    platform,
    release,
    environment,
    exception,
    sdk,
    debug_meta,
    ...(user?.id ? { user: { id: user.id } } : {}),
    ...(tags ? { tags } : {}),
    ...(event.request?.url ? { request: { url: scrubUrl(event.request.url) } } : {}),
  });
}
