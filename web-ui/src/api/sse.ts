/** One event of a stream (WHATWG HTML §9.2). */
export type ServerEvent = { event: string; data: string; id: string };

/** Reads events from pieces of text, wherever these are cut. Remembers id and retry as the standard says. */
export class EventReader {
  lastId = "";
  retryMs: number | null = null;
  #rest = "";
  #event = "";
  #data: string[] = [];

  /** Events that this piece completed. A line longer than 1 MiB is given up. */
  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    this.#rest += text;
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.#rest);
      if (!match) break;
      const line = this.#rest.slice(0, match.index);
      this.#rest = this.#rest.slice(match.index + match[0].length);
      const event = this.#line(line);
      if (event) events.push(event);
    }
    if (this.#rest.length > 1 << 20) this.#rest = "";
    return events;
  }

  #line(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = this.#data.length > 0 ? { event: this.#event || "message", data: this.#data.join("\n"), id: this.lastId } : null;
    this.#event = "";
    this.#data = [];
    return event;
  }
}

/** How long to wait before connection attempt `n` (0, 1, …): 1–30 s with full jitter, never less than half a second. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.max(500, Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)) * random());
}
