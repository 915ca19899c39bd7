import { retryAfter } from "@/api/problem";
import { backoffMs } from "@/api/sse";
import type { Duplicate, Job, JobState } from "@/store/job";
import { type BatchAnswer, isChecksum, receiptOf, type StatusAnswer, words } from "./answers";
import { bodyOf } from "./body";
import { type Chunk, missingChunks, PackSizer } from "./plan";
import type { Request, Response, Transport } from "./transport";

/** What the engine is handed: everything that is not the protocol. */
export type Deps = {
  transport: Transport;
  /** The bytes of these files, in their order; undefined for one that is lost. May wait until they are stored. */
  blobs: (fileIds: string[]) => Promise<(Blob | undefined)[]>;
  save: (job: Job) => Promise<void>;
  /** A good access token; null: nobody is signed in. */
  token: () => Promise<string | null>;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  now: () => number;
  random: () => number;
  /** The state, a file or the bytes changed. */
  changed: (what: Change) => void;
  lanes?: number;
};

export type Change =
  | { kind: "state" }
  | { kind: "bytes"; acknowledged: number; inFlight: number }
  | { kind: "file"; place: number; done: number; error?: string }
  | { kind: "log"; id: string; values?: Record<string, string | number> };

/** The box has no chunk of the file. */
const NOTHING: ReadonlySet<number> = new Set();
const ROOT = "/api/v1/upload";
const LANES = 3;
const TRIES_FOR_A_CHECKSUM = 3;
const FULL_WAIT_MS = 60_000;
const SIGNED_OUT_WAIT_MS = 60_000;
const PROCESSING_WAIT_MS = 2000;

/** The upload is gone at the box (404, expired): begin again with the same files. */
class Gone extends Error {}
/** The job came to a state that needs a person, or was stopped. */
class Stop extends Error {}

/**
 * Sends one job to the box, through whatever the line does, until it is complete, stopped or in need of a person. Knows neither React nor
 * IndexedDB; `job` is changed in place and saved at each change of state.
 */
export class Runner {
  readonly #lanes: number;
  readonly #sizer: PackSizer;
  readonly #inFlight = new Map<symbol, number>();
  readonly #checksumTries = new Map<string, number>();
  #queue: Chunk[] = [];
  #failures = 0;

  constructor(
    readonly job: Job,
    private readonly deps: Deps,
    private readonly signal: AbortSignal,
  ) {
    this.#lanes = deps.lanes ?? LANES;
    this.#sizer = new PackSizer(job.requestMib);
  }

  /** Ends when the job's state is over or needs a person, or the signal says stop. Never throws for what the line or the box does. */
  async run(): Promise<void> {
    try {
      for (;;) {
        try {
          await this.#once();
          return;
        } catch (error) {
          if (!(error instanceof Gone)) throw error;
          this.#log("log.restarted");
          this.job.upload = null;
          this.job.acknowledged = 0;
          await this.deps.save(this.job);
        }
      }
    } catch (error) {
      if (error instanceof Stop || this.signal.aborted) return;
      await this.#become({ kind: "failed", code: "engine", detail: error instanceof Error ? error.message : String(error) });
    }
  }

  async #once(): Promise<void> {
    const fresh = !this.job.upload;
    if (fresh) await this.#init();
    for (let refused = 0; ; refused += 1) {
      if (fresh && refused === 0) this.#queueMissing(() => NOTHING);
      else await this.#reconcile(refused > 0);
      const nothingLeft = this.#queue.length === 0;
      await this.#sendAll();
      const failed = this.job.files.filter((file) => file.error);
      if (failed.length > 0) throw await this.#stopAt({ kind: "failed", code: "files", detail: failed[0]?.error ?? "" });
      const answer = await this.#complete();
      if (!answer) return;
      // The box misses something and cannot say what: sending nothing again and again would not help.
      if (refused > 0 && nothingLeft) throw await this.#refused(answer);
    }
  }

  async #init(): Promise<void> {
    await this.#become({ kind: "sending" });
    const { job } = this;
    const answer = await this.#ask(async () => ({
      method: "POST",
      url: `${ROOT}/init`,
      headers: await this.#bearer(),
      body: JSON.stringify({
        study_metadata: job.metadata,
        total_files: job.files.length,
        total_size_bytes: job.totalBytes,
        clinical_history: job.clinicalHistory || undefined,
        files: job.files.map(({ fileId, name, size }) => ({ file_id: fileId, name, size })),
        chunk_size: job.chunkSize,
        force_upload: job.force,
      }),
    }));
    const body = answer.body as Record<string, string | number> | null;
    if (answer.status === 409 && body?.code === "DUPLICATE_STUDY") {
      const earlier: Duplicate = { uploadedAt: String(body.uploaded_at ?? ""), uploadedBy: String(body.uploaded_by ?? "") };
      throw await this.#stopAt({ kind: "duplicate", earlier });
    }
    if (answer.status >= 300 || !body) throw await this.#refused(answer);
    job.upload = {
      id: String(body.upload_id),
      token: String(body.upload_token),
      chunkSize: Number(body.chunk_size),
      expiresAt: String(body.expires_at),
    };
    await this.deps.save(job);
    this.#log("log.started", { files: job.files.length });
  }

  /** Asks the box what it has and queues the rest; `whole`: file by file, also of those it calls finished. */
  async #reconcile(whole: boolean): Promise<void> {
    const upload = this.#upload();
    const answer = await this.#ask(async () => ({
      method: "GET",
      url: `${ROOT}/${upload.id}/status${whole ? "" : "?files=incomplete"}`,
      headers: this.#uploadToken(),
    }));
    if (answer.status >= 300) throw await this.#refused(answer);
    const status = answer.body as StatusAnswer;
    if (status.state === "expired") throw new Gone();
    if (["complete", "processing"].includes(status.state)) {
      this.#queue = [];
      return;
    }
    const known = new Map(
      Object.entries(status.files).map(([id, file]) => [id, file.complete ? ("all" as const) : new Set(file.received_chunks)]),
    );
    // Only unfinished files are listed once something arrived; before that, a file that is not listed has nothing.
    const unlisted = status.uploaded_bytes > 0 && !whole ? ("all" as const) : new Set<number>();
    this.#queueMissing((id) => known.get(id) ?? unlisted);
    if (this.job.acknowledged > 0 && this.#queue.length > 0) this.#log("log.resumed", { bytes: this.job.acknowledged });
  }

  /** Queues what the box does not have. */
  #queueMissing(received: (fileId: string) => ReadonlySet<number> | "all"): void {
    this.#queue = missingChunks(this.job.files, this.#upload().chunkSize, received);
    const missing = this.#queue.reduce((sum, chunk) => sum + chunk.size, 0);
    const left = new Map<number, number>();
    for (const chunk of this.#queue) left.set(chunk.file, (left.get(chunk.file) ?? 0) + chunk.size);
    this.job.files.forEach((file, place) => {
      const done = file.size - (left.get(place) ?? (file.error ? file.size : 0));
      this.#done[place] = done;
      this.deps.changed({ kind: "file", place, done, ...(file.error ? { error: file.error } : {}) });
    });
    const lost = this.job.files.reduce((sum, file) => sum + (file.error ? file.size : 0), 0);
    this.job.acknowledged = this.job.totalBytes - missing - lost;
    this.#bytes();
  }

  readonly #done: number[] = [];

  async #sendAll(): Promise<void> {
    if (this.#queue.length === 0) return;
    await this.#become({ kind: "sending" });
    await Promise.all(Array.from({ length: this.#lanes }, () => this.#lane()));
    await this.deps.save(this.job);
  }

  async #lane(): Promise<void> {
    for (;;) {
      this.#check();
      const pack = this.#sizer.take(this.#queue);
      if (pack.length === 0) return;
      const live = pack.filter((chunk) => !this.job.files[chunk.file]?.error);
      if (live.length > 0) await this.#sendPack(live);
    }
  }

  async #sendPack(pack: Chunk[]): Promise<void> {
    const lane = Symbol("request");
    const built = await bodyOf(pack, this.job.files, this.deps.blobs);
    for (const chunk of built.lost) this.#fail(chunk, "file_missing");
    this.#check();
    if (built.bytes === 0) return;
    const began = this.deps.now();
    let answer: Response | null;
    let moved = false;
    try {
      answer = await this.#ask(
        async () => ({
          method: "POST",
          url: `${ROOT}/${this.#upload().id}/batch`,
          headers: this.#uploadToken(),
          body: built.form,
          progress: (sent) => {
            moved = true;
            this.#inFlight.set(lane, Math.min(sent, built.bytes));
            this.#bytes();
          },
        }),
        true,
      );
    } finally {
      this.#inFlight.delete(lane);
    }
    if (!answer) {
      if (moved) this.#sizer.broke();
      this.#queue.unshift(...pack);
      return;
    }
    this.#sizer.took(this.deps.now() - began);
    if (answer.status === 413 && (this.#sizer.tooLarge() || pack.length > 1)) {
      this.#queue.unshift(...pack);
      return;
    }
    if (answer.status === 422 && pack.every((chunk) => this.#mayTryAgain(chunk))) {
      this.#queue.unshift(...pack);
      return;
    }
    if (answer.status >= 300 || !Array.isArray(answer.body)) {
      for (const chunk of pack) this.#fail(chunk, words(answer));
      return;
    }
    this.#settle(pack, answer.body as BatchAnswer[]);
    this.#bytes();
  }

  #settle(pack: Chunk[], answers: BatchAnswer[]): void {
    for (const chunk of pack) {
      const file = this.job.files[chunk.file];
      if (!file || file.error) continue;
      const answer = answers.find((one) => one.file_id === file.fileId && one.chunk_index === chunk.index);
      if (answer?.status === "received" || answer?.status === "exists") {
        this.#done[chunk.file] = (this.#done[chunk.file] ?? 0) + chunk.size;
        this.job.acknowledged += chunk.size;
        this.deps.changed({ kind: "file", place: chunk.file, done: this.#done[chunk.file] ?? 0 });
      } else if (!answer || isChecksum(answer)) {
        if (this.#mayTryAgain(chunk)) this.#queue.unshift(chunk);
        else this.#fail(chunk, answer?.error ?? "checksum");
      } else this.#fail(chunk, answer.error ?? answer.status);
    }
  }

  #mayTryAgain(chunk: Chunk): boolean {
    const key = `${chunk.file}/${chunk.index}`;
    const tries = (this.#checksumTries.get(key) ?? 0) + 1;
    this.#checksumTries.set(key, tries);
    return tries < TRIES_FOR_A_CHECKSUM;
  }

  #fail(chunk: Chunk, error: string): void {
    const file = this.job.files[chunk.file];
    if (!file || file.error) return;
    file.error = error;
    this.#log("log.file_failed", { name: file.name });
    this.deps.changed({ kind: "file", place: chunk.file, done: this.#done[chunk.file] ?? 0, error });
  }

  /** Gives null when the box has judged every file; its answer when it misses chunks. */
  async #complete(): Promise<Response | null> {
    await this.#become({ kind: "completing" });
    for (;;) {
      const answer = await this.#ask(async () => ({
        method: "POST",
        url: `${ROOT}/${this.#upload().id}/complete`,
        headers: this.#uploadToken(),
      }));
      if (answer.status === 409) return answer;
      if (answer.status === 202) {
        await this.deps.sleep(PROCESSING_WAIT_MS, this.signal);
        this.#check();
        continue;
      }
      if (answer.status >= 300) throw await this.#refused(answer);
      this.job.acknowledged = this.job.totalBytes;
      this.#log("log.completed");
      await this.#become({ kind: "done", receipt: receiptOf(answer.body, this.deps.now()) });
      return null;
    }
  }

  /**
   * Sends a request again and again while the trouble is the line's or passes by itself. What it gives back is an answer about the request
   * itself. The line never fails a job. `once`: after trouble of the line and the wait for it there is no answer, so that another request can
   * be made of the same chunks.
   */
  async #ask(make: () => Promise<Omit<Request, "signal">>): Promise<Response>;
  async #ask(make: () => Promise<Omit<Request, "signal">>, once: true): Promise<Response | null>;
  async #ask(make: () => Promise<Omit<Request, "signal">>, once = false): Promise<Response | null> {
    for (;;) {
      this.#check();
      let answer: Response | null = null;
      try {
        answer = await this.deps.transport({ ...(await make()), signal: this.signal });
      } catch (error) {
        if (error instanceof Stop) throw error;
        this.#check();
      }
      const wait = answer ? this.#waitFor(answer) : { why: "line" as const, ms: backoffMs(this.#failures, this.deps.random) };
      if (answer && !wait) {
        if (answer.status === 404) throw new Gone();
        if (answer.status === 401 || answer.status === 403) {
          await this.#renewUploadToken();
          continue;
        }
        this.#failures = 0;
        if (this.job.state.kind === "waiting") await this.#become(this.#queue.length > 0 ? { kind: "sending" } : { kind: "completing" });
        return answer;
      }
      if (!wait) continue;
      this.#failures += 1;
      await this.#wait(wait.why, wait.ms);
      if (once && !answer) return null;
    }
  }

  #waitFor(answer: Response): { why: "line" | "full" | "limit"; ms: number } | null {
    const asked = retryAfter(answer.retryAfter, this.deps.now());
    if (answer.status === 507) return { why: "full", ms: asked ?? FULL_WAIT_MS };
    if (answer.status === 429) return { why: "limit", ms: asked ?? 1000 };
    if (answer.status === 408 || answer.status >= 500) return { why: "line", ms: asked ?? backoffMs(this.#failures, this.deps.random) };
    return null;
  }

  async #wait(why: "line" | "full" | "limit" | "signed_out", ms: number): Promise<void> {
    if (this.job.state.kind !== "waiting" || this.job.state.why !== why) this.#log(`log.waiting_${why}`);
    // What was on the line is not there: only what is acknowledged counts while nothing moves.
    this.#inFlight.clear();
    this.#bytes();
    await this.#become({ kind: "waiting", why, until: this.deps.now() + ms });
    await this.deps.sleep(ms, this.signal);
    this.#check();
  }

  /** The job's own token is over: the signed-in owner gets another. */
  async #renewUploadToken(): Promise<void> {
    const { upload } = this.job;
    if (!upload) return this.#wait("signed_out", SIGNED_OUT_WAIT_MS);
    const token = await this.deps.token();
    if (!token) return this.#wait("signed_out", SIGNED_OUT_WAIT_MS);
    const answer = await this.deps
      .transport({
        method: "POST",
        url: `/api/v1/auth/refresh-upload-token?upload_id=${encodeURIComponent(upload.id)}`,
        headers: { Authorization: `Bearer ${token}` },
        signal: this.signal,
      })
      .catch(() => null);
    if (answer?.status === 404 || answer?.status === 409 || answer?.status === 410) throw new Gone();
    if (answer?.status !== 200) return this.#wait(answer ? "signed_out" : "line", backoffMs(5, this.deps.random));
    upload.token = String((answer.body as { upload_token?: string }).upload_token);
    await this.deps.save(this.job);
  }

  async #bearer(): Promise<Record<string, string>> {
    for (;;) {
      const token = await this.deps.token();
      if (token) return { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      await this.#wait("signed_out", SIGNED_OUT_WAIT_MS);
    }
  }

  #uploadToken(): Record<string, string> {
    return { "X-Upload-Token": this.#upload().token };
  }

  #upload(): NonNullable<Job["upload"]> {
    if (!this.job.upload) throw new Gone();
    return this.job.upload;
  }

  async #refused(answer: Response): Promise<Stop> {
    const code = String((answer.body as { code?: string } | null)?.code ?? answer.status);
    return this.#stopAt({ kind: "failed", code, detail: words(answer) });
  }

  async #stopAt(state: JobState): Promise<Stop> {
    await this.#become(state);
    return new Stop();
  }

  async #become(state: JobState): Promise<void> {
    const before = this.job.state;
    this.job.state = state;
    if (before.kind !== state.kind || state.kind === "waiting") {
      await this.deps.save(this.job);
      this.deps.changed({ kind: "state" });
    }
  }

  #bytes(): void {
    let inFlight = 0;
    for (const bytes of this.#inFlight.values()) inFlight += bytes;
    this.deps.changed({ kind: "bytes", acknowledged: this.job.acknowledged, inFlight });
  }

  #log(id: string, values?: Record<string, string | number>): void {
    this.deps.changed({ kind: "log", id, ...(values ? { values } : {}) });
  }

  #check(): void {
    if (this.signal.aborted) throw new Stop();
  }
}
