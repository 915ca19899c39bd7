import { accessToken } from "@/api/session";
import { isOver } from "@/store/job";
import {
  type Command,
  type CopyProgress,
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

/** Of each file in a message the browser asks its other process for size and age, about a millisecond. */
const FILES_A_MESSAGE = 20;
/** So often is told how far reading is. */
const TELL_MS = 100;

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
  readonly #scans = new Map<number, (message: Extract<FromWorker, { type: "scanned" }>) => void>();
  readonly #copies = new Map<string, CopyProgress>();
  #scan = 0;
  /** Whether it is this tab's worker that uploads. */
  #leads = false;

  constructor(userId: string) {
    this.#channel = new BroadcastChannel(channelName(userId));
    this.#channel.onmessage = ({ data }: MessageEvent<Report>) => void this.#hear(data);
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "upload" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hearOwn(data);
    this.#toWorker({ type: "user", userId });
    const { signal } = this.#stop;
    addEventListener("online", () => this.command({ type: "hurry" }), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.command({ type: "hurry" }), {
      signal,
    });
    addEventListener("beforeunload", (event) => this.#holdsFiles() && event.preventDefault(), { signal });
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

  /** Reads the heads of chosen files in the worker, which holds the files from then on. Gives the choice's number. */
  scan(files: File[], progress: (done: number) => void): Promise<{ scan: number; results: Scanned[] }> {
    this.#scan += 1;
    const scan = this.#scan;
    const results: Scanned[] = [];
    let told = 0;
    return new Promise((resolve) => {
      this.#scans.set(scan, (message) => {
        results.push(...message.results);
        const done = results.length === files.length;
        if (done || performance.now() - told > TELL_MS) {
          told = performance.now();
          progress(results.length);
        }
        if (!done) return;
        this.#scans.delete(scan);
        resolve({ scan, results: results.sort((a, b) => a.place - b.place) });
      });
      if (files.length === 0) resolve({ scan, results });
      else void this.#handOver(scan, files);
    });
  }

  /** Thousands of files in one message would hold the page up for seconds. */
  async #handOver(scan: number, files: File[]): Promise<void> {
    for (let start = 0; start < files.length; start += FILES_A_MESSAGE) {
      await new Promise((resolve) => setTimeout(resolve));
      this.#toWorker({ type: "scan", scan, files: files.slice(start, start + FILES_A_MESSAGE) });
    }
  }

  /** Nothing of a choice is wanted. */
  drop(scan: number): void {
    this.#toWorker({ type: "drop", scan });
  }

  /** Has the worker copy files of a scan into the browser's store. */
  keep(scan: number, owner: string, files: { fileId: string; place: number }[]): void {
    this.#copies.set(owner, { done: 0, total: files.length, state: "copying" });
    this.#toWorker({ type: "keep", scan, owner, files });
  }

  /** How far the copy of a draft's files is; undefined where this tab makes none. */
  copy = (owner: string): CopyProgress | undefined => this.#copies.get(owner);

  /** Files of a draft that are not sent after all. */
  forget(owner: string, fileIds: string[]): void {
    this.#toWorker({ type: "forget", owner, fileIds });
  }

  /** Ends when whoever uploads can have the bytes: at once where it is this tab, else when they are stored. Rejects when there is no room. */
  handedOver(owner: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const copy = this.#copies.get(owner);
        if (copy?.state === "copying" && !this.#leads) return;
        stop();
        if (copy?.state === "full" && !this.#leads) reject(new DOMException("another tab uploads and has no room", "QuotaExceededError"));
        else resolve();
      };
      const stop = this.subscribe(look);
      look();
    });
  }

  #hearOwn(message: FromWorker): void {
    if (message.type === "scanned") this.#scans.get(message.scan)?.(message);
    else if (message.type === "leads") this.#leads = true;
    else this.#copies.set(message.owner, { done: message.done, total: message.total, state: message.state });
    if (message.type === "scanned") return;
    for (const listener of this.#listeners) listener();
  }

  /** Whether files that were chosen are nowhere but in this tab. */
  #holdsFiles(): boolean {
    const copies = [...this.#copies.values()];
    if (copies.some(({ state }) => state === "copying")) return true;
    return copies.some(({ state }) => state === "full") && this.jobs.some(({ state }) => !isOver(state));
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
