import { accessToken, replaceToken } from "./session";
import { backoffMs, EventReader, type ServerEvent } from "./sse";

/** What the page knows of its line to the box. */
export type LineState = "connecting" | "live" | "reconnecting" | "offline";
export type Line = { state: LineState; since: number; heardAt: number };

type Message = { type: "event"; event: ServerEvent } | { type: "line"; line: Line } | { type: "hello" };

const SILENCE_MS = 40_000;

/**
 * One stream of events for all tabs: the tab that holds the Web Lock reads `/events` and passes everything on by BroadcastChannel; when it
 * closes, another takes over. `/healthz` decides between reconnecting and offline.
 */
export class Live {
  line: Line = { state: "connecting", since: Date.now(), heardAt: 0 };
  readonly #channel = new BroadcastChannel("relaypacs-live");
  readonly #events = new Set<(event: ServerEvent) => void>();
  readonly #lines = new Set<() => void>();
  readonly #stop = new AbortController();
  #leading = false;
  #wake: (() => void) | null = null;
  #lastId = "";

  start(): void {
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.type === "event") this.#tell(data.event);
      else if (data.type === "line") this.#become(data.line);
      else if (this.#leading) this.#send({ type: "line", line: this.line });
    };
    this.#send({ type: "hello" });
    addEventListener("online", this.#hurry, { signal: this.#stop.signal });
    addEventListener("offline", () => void this.#doubt(), { signal: this.#stop.signal });
    void navigator.locks.request("relaypacs-events", { signal: this.#stop.signal }, () => this.#lead()).catch(() => undefined);
  }

  stop(): void {
    this.#stop.abort();
    this.#wake?.();
    this.#channel.close();
  }

  onEvent(handler: (event: ServerEvent) => void): () => void {
    this.#events.add(handler);
    return () => this.#events.delete(handler);
  }

  onLine = (handler: () => void): (() => void) => {
    this.#lines.add(handler);
    return () => this.#lines.delete(handler);
  };

  async #lead(): Promise<void> {
    this.#leading = true;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      if (await this.#read()) attempt = 0;
      if (this.#stop.signal.aborted) return;
      await this.#doubt();
      await this.#pause(backoffMs(attempt));
    }
  }

  /** Reads until the stream ends; gives whether it had begun. */
  async #read(): Promise<boolean> {
    const token = await accessToken();
    if (!token) return false;
    const silence = new AbortController();
    const abort = () => silence.abort();
    this.#stop.signal.addEventListener("abort", abort);
    let quiet = setTimeout(abort, SILENCE_MS);
    let begun = false;
    try {
      const headers: Record<string, string> = { Authorization: `Bearer ${token}`, Accept: "text/event-stream" };
      if (this.#lastId) headers["Last-Event-ID"] = this.#lastId;
      const response = await fetch("/api/v1/events", { headers, signal: silence.signal, cache: "no-store" });
      if (response.status === 401) await replaceToken(token);
      if (!response.ok || !response.body) return false;
      begun = true;
      this.#announce("live");
      const reader = new EventReader();
      for await (const text of pieces(response.body, silence.signal)) {
        clearTimeout(quiet);
        quiet = setTimeout(abort, SILENCE_MS);
        this.line.heardAt = Date.now();
        for (const event of reader.push(text)) {
          this.#lastId = event.id || this.#lastId;
          this.#send({ type: "event", event });
          this.#tell(event);
        }
      }
    } catch {
      // The line broke: the loop tries again.
    } finally {
      clearTimeout(quiet);
      this.#stop.signal.removeEventListener("abort", abort);
    }
    return begun;
  }

  /** The stream is gone: is the box? */
  async #doubt(): Promise<void> {
    const alive = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) }).then(
      (answer) => answer.ok,
      () => false,
    );
    this.#announce(alive ? "reconnecting" : "offline");
  }

  #hurry = () => this.#wake?.();

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #announce(state: LineState): void {
    const since = this.line.state === state ? this.line.since : Date.now();
    this.#become({ state, since, heardAt: state === "live" ? Date.now() : this.line.heardAt });
    this.#send({ type: "line", line: this.line });
  }

  #become(line: Line): void {
    this.line = line;
    for (const listener of this.#lines) listener();
  }

  #tell(event: ServerEvent): void {
    for (const handler of this.#events) handler(event);
  }

  #send(message: Message): void {
    if (!this.#stop.signal.aborted) this.#channel.postMessage(message);
  }
}

async function* pieces(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  signal.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
