import { loadBlobs, sweepFiles } from "@/store/files";
import { deleteJob, deleteJobFiles, isOver, type Job, listJobs, loadJob, ownerOf, saveJob } from "@/store/job";
import { type Command, type FileChange, type JobView, type LogEntry, type Report, viewOf } from "../protocol";
import type { Copier } from "./copier";
import { Meter } from "./meter";
import { type Change, type Deps, Runner } from "./runner";
import type { Transport } from "./transport";

/** Reports a second, at most: each is drawn, and drawing takes from sending. */
const REPORTS_A_SECOND = 2;
const LOG_ENTRIES = 100;

type Running = { job: Job; stop: AbortController; meter: Meter; inFlight: number; ended: Promise<void> };

type Entry = { job: Job; log: LogEntry[]; done: number[]; changes: Map<number, FileChange> };

/**
 * Takes one user's jobs through the engine, one after the other, oldest first. There is one of these among all tabs (a Web Lock sees to it);
 * it hears commands from all of them and reports to all of them.
 */
export class Uploader {
  readonly #entries = new Map<string, Entry>();
  #running: Running | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #wakeSleepers = new Set<() => void>();
  #tokenWaiters: ((token: string | null) => void)[] = [];

  constructor(
    private readonly userId: string,
    private readonly transport: Transport,
    private readonly copier: Copier,
    private readonly report: (report: Report) => void,
  ) {}

  async open(): Promise<void> {
    for (const job of await listJobs(this.userId)) {
      if (this.#entries.has(job.id)) continue; // was started while the list was read
      if (job.state.kind === "waiting" || job.state.kind === "sending" || job.state.kind === "completing") job.state = { kind: "queued" };
      this.#add(job);
    }
    this.#tell();
    this.#next();
    await sweepFiles(this.userId).catch(() => undefined);
  }

  async hear(command: Command): Promise<void> {
    switch (command.type) {
      case "hello":
        this.#flush();
        return;
      case "token":
        for (const waiter of this.#tokenWaiters.splice(0)) waiter(command.token);
        return;
      case "hurry":
        for (const wake of this.#wakeSleepers) wake();
        return;
      case "start":
        return this.#start(command.jobId);
      case "watch":
        return this.#showFiles(command.jobId);
      case "pause":
        return this.#halt(command.jobId, { kind: "paused" });
      case "resume":
        return this.#set(command.jobId, (job) => {
          job.state = { kind: "queued" };
        });
      case "force":
        return this.#set(command.jobId, (job) => {
          job.force = true;
          job.state = { kind: "queued" };
        });
      case "retry":
        return this.#set(command.jobId, (job) => {
          for (const file of job.files) delete file.error;
          job.state = { kind: "queued" };
        });
      case "cancel":
        return this.#cancel(command.jobId);
    }
  }

  #add(job: Job): Entry {
    const entry: Entry = { job, log: [], done: [], changes: new Map() };
    this.#entries.set(job.id, entry);
    return entry;
  }

  async #start(jobId: string): Promise<void> {
    if (this.#entries.has(jobId)) return;
    const job = await loadJob(this.userId, jobId);
    if (job && !this.#entries.has(jobId)) this.#add(job);
    this.#tell();
    this.#next();
  }

  async #set(jobId: string, change: (job: Job) => void): Promise<void> {
    const entry = this.#entries.get(jobId);
    if (!entry) return;
    if (this.#running?.job === entry.job) {
      this.#running.stop.abort();
      await this.#running.ended;
    }
    change(entry.job);
    await saveJob(entry.job);
    this.#tell();
    this.#next();
  }

  async #halt(jobId: string, state: Job["state"]): Promise<void> {
    const entry = this.#entries.get(jobId);
    if (!entry || isOver(entry.job.state)) return;
    await this.#set(jobId, (job) => {
      if (!isOver(job.state)) job.state = state;
    });
    if (state.kind === "paused") this.#log(entry, { at: Date.now(), id: "log.paused" });
  }

  async #cancel(jobId: string): Promise<void> {
    const entry = this.#entries.get(jobId);
    if (!entry) return;
    this.#entries.delete(jobId);
    if (this.#running?.job === entry.job) {
      this.#running.stop.abort();
      await this.#running.ended;
    }
    const { upload, state } = entry.job;
    await deleteJob(entry.job);
    this.#dropCopies(entry.job);
    this.#tell();
    if (upload && state.kind !== "done") await this.#forgetAtBox(upload.id);
    this.#next();
  }

  async #forgetAtBox(uploadId: string): Promise<void> {
    const token = await this.#token();
    if (!token) return;
    const request = { method: "DELETE" as const, url: `/api/v1/upload/${uploadId}`, headers: { Authorization: `Bearer ${token}` } };
    await this.transport({ ...request, signal: AbortSignal.timeout(30_000) }).catch(() => null);
  }

  /** Starts the next job when none runs. */
  #next(): void {
    if (this.#running) return;
    const waiting = [...this.#entries.values()].find(({ job }) => job.state.kind === "queued");
    if (!waiting) return;
    const stop = new AbortController();
    const running: Running = { job: waiting.job, stop, meter: new Meter(), inFlight: 0, ended: Promise.resolve() };
    this.#running = running;
    const runner = new Runner(waiting.job, this.#deps(waiting, running), stop.signal);
    running.ended = runner.run().then(() => this.#ended(waiting, running));
  }

  async #ended({ job }: Entry, running: Running): Promise<void> {
    if (this.#running === running) this.#running = null;
    this.#tell();
    if (job.state.kind === "done") {
      this.#dropCopies(job);
      await deleteJobFiles(job).catch(() => undefined);
    }
    if (!running.stop.signal.aborted) this.#next();
  }

  #dropCopies(job: Job): void {
    this.copier.forget(
      ownerOf(job),
      job.files.map(({ fileId }) => fileId),
    );
  }

  /** The bytes of a job's files: their copies, or what was chosen where there was no room for copies. */
  async #blobs(job: Job, fileIds: string[]): Promise<(Blob | undefined)[]> {
    const owner = ownerOf(job);
    await this.copier.settled(owner, fileIds);
    const stored = await loadBlobs(this.userId, owner, fileIds);
    return fileIds.map((fileId, n) => stored[n] ?? this.copier.original(owner, fileId));
  }

  #deps(entry: Entry, running: Running): Deps {
    return {
      transport: this.transport,
      blobs: (fileIds) => this.#blobs(entry.job, fileIds),
      save: saveJob,
      token: () => this.#token(),
      sleep: (ms, signal) => this.#sleep(ms, signal),
      now: Date.now,
      random: Math.random,
      changed: (change) => this.#changed(entry, running, change),
    };
  }

  #changed(entry: Entry, running: Running, change: Change): void {
    if (change.kind === "log") {
      this.#log(entry, { at: Date.now(), id: change.id, ...(change.values ? { values: change.values } : {}) });
      return;
    }
    if (change.kind === "bytes") {
      running.inFlight = change.inFlight;
      running.meter.sample(change.acknowledged + change.inFlight, Date.now());
    } else if (change.kind === "file") {
      if (!change.error && (entry.done[change.place] ?? 0) === change.done) return;
      entry.done[change.place] = change.done;
      entry.changes.set(change.place, change.error ? [change.place, change.done, change.error] : [change.place, change.done]);
    } else if (entry.job.state.kind === "waiting") running.meter.reset();
    this.#tell();
  }

  #log(entry: Entry, line: LogEntry): void {
    entry.log.push(line);
    if (entry.log.length > LOG_ENTRIES) entry.log.shift();
    this.report({ type: "log", jobId: entry.job.id, entries: [line] });
  }

  /** Reports soon; many changes make one report. */
  #tell(): void {
    this.#timer ??= setTimeout(() => this.#flush(), 1000 / REPORTS_A_SECOND);
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.report({ type: "jobs", jobs: [...this.#entries.values()].map((entry) => this.#view(entry)) });
    for (const entry of this.#entries.values()) {
      if (entry.changes.size === 0) continue;
      this.report({ type: "files", jobId: entry.job.id, files: null, changes: [...entry.changes.values()] });
      entry.changes.clear();
    }
  }

  #view(entry: Entry): JobView {
    const view = viewOf(entry.job);
    if (entry.job.state.kind !== "done")
      view.filesDone = entry.job.files.reduce((n, file, i) => n + (file.size > 0 && entry.done[i] === file.size ? 1 : 0), 0);
    const running = this.#running;
    if (running?.job !== entry.job) return view;
    view.moved = Math.min(view.totalBytes, view.acknowledged + running.inFlight);
    view.speed = entry.job.state.kind === "sending" ? running.meter.speed : 0;
    view.eta = entry.job.state.kind === "sending" ? running.meter.eta(view.totalBytes - view.moved) : null;
    return view;
  }

  #showFiles(jobId: string): void {
    const entry = this.#entries.get(jobId);
    if (!entry) return;
    const over = entry.job.state.kind === "done";
    const changes = entry.job.files.map((file, place): FileChange => {
      const done = over ? file.size : (entry.done[place] ?? 0);
      return file.error ? [place, done, file.error] : [place, done];
    });
    this.report({ type: "files", jobId, files: entry.job.files.map(({ name, size }) => ({ name, size })), changes });
    this.report({ type: "log", jobId, entries: entry.log });
  }

  /** Asks the tabs for an access token; the first that answers is believed. Null when none does. */
  #token(): Promise<string | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), 5000);
      const done = (token: string | null) => {
        clearTimeout(timer);
        resolve(token);
      };
      this.#tokenWaiters.push(done);
      this.report({ type: "need_token" });
    });
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wakeSleepers.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wakeSleepers.add(done);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    });
  }
}
