import { accessToken } from "@/api/session";
import {
  type Command,
  channelName,
  type FromWorker,
  type JobView,
  type LogEntry,
  type Report,
  type Scanned,
  SYNC_TAG,
  type ToWorker,
} from "./protocol";

export type FileRow = { name: string; size: number; done: number; error?: string };

/** One user's uploads as this tab sees them. The work is done in a worker, perhaps another tab's. */
export class Uploads {
  jobs: JobView[] = [];
  /** Whether the uploader was heard since this tab began. */
  known = false;
  readonly #files = new Map<string, FileRow[]>();
  readonly #logs = new Map<string, LogEntry[]>();
  readonly #listeners = new Set<() => void>();
  readonly #channel: BroadcastChannel;
  readonly #worker: Worker;
  readonly #stop = new AbortController();
  readonly #scans = new Map<number, (message: FromWorker) => void>();
  #scan = 0;

  constructor(userId: string) {
    this.#channel = new BroadcastChannel(channelName(userId));
    this.#channel.onmessage = ({ data }: MessageEvent<Report>) => void this.#hear(data);
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "upload" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#scans.get(data.scan)?.(data);
    this.#toWorker({ type: "user", userId });
    const { signal } = this.#stop;
    addEventListener("online", () => this.command({ type: "hurry" }), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.command({ type: "hurry" }), {
      signal,
    });
    this.command({ type: "hello" });
  }

  close(): void {
    this.#stop.abort();
    this.#channel.close();
    this.#worker.terminate();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  snapshot = (): JobView[] => this.jobs;
  files = (jobId: string): FileRow[] => this.#files.get(jobId) ?? NO_FILES;
  log = (jobId: string): LogEntry[] => this.#logs.get(jobId) ?? NO_LOG;

  command(command: Command): void {
    if (!this.#stop.signal.aborted) this.#channel.postMessage(command);
    if (command.type === "start") void askForSync();
  }

  /** Reads the heads of chosen files in the worker. */
  scan(files: { file: File; name: string }[], progress: (done: number) => void): Promise<Scanned[]> {
    this.#scan += 1;
    const scan = this.#scan;
    const results: Scanned[] = [];
    return new Promise((resolve) => {
      this.#scans.set(scan, (message) => {
        results.push(...message.results);
        progress(message.done);
        if (message.done < files.length) return;
        this.#scans.delete(scan);
        resolve(results.sort((a, b) => a.place - b.place));
      });
      if (files.length === 0) resolve([]);
      else this.#toWorker({ type: "scan", scan, files });
    });
  }

  #toWorker(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async #hear(report: Report): Promise<void> {
    switch (report.type) {
      case "jobs":
        this.jobs = report.jobs;
        this.known = true;
        break;
      case "files":
        this.#applyFiles(report);
        break;
      case "log":
        this.#logs.set(report.jobId, mergeLog(this.log(report.jobId), report.entries));
        break;
      case "need_token":
        this.command({ type: "token", token: await accessToken() });
        return;
    }
    for (const listener of this.#listeners) listener();
  }

  #applyFiles({ jobId, files, changes }: Extract<Report, { type: "files" }>): void {
    const rows = files ? files.map((file): FileRow => ({ ...file, done: 0 })) : this.#files.get(jobId)?.slice();
    if (!rows) return;
    for (const [place, done, error] of changes) {
      const row = rows[place];
      if (row) rows[place] = { name: row.name, size: row.size, done, ...(error ? { error } : {}) };
    }
    this.#files.set(jobId, rows);
  }
}

const NO_FILES: FileRow[] = [];
const NO_LOG: LogEntry[] = [];

function mergeLog(known: LogEntry[], more: LogEntry[]): LogEntry[] {
  const keyOf = (entry: LogEntry) => `${entry.at} ${entry.id} ${JSON.stringify(entry.values)}`;
  const seen = new Set(known.map(keyOf));
  return [...known, ...more.filter((entry) => !seen.has(keyOf(entry)))].sort((a, b) => a.at - b.at).slice(-200);
}

/** Where the browser has background sync, a closed page goes on when the line is back. */
async function askForSync(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
  const sync = (registration as { sync?: { register(tag: string): Promise<void> } } | undefined)?.sync;
  await sync?.register(SYNC_TAG).catch(() => undefined);
}
