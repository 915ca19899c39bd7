import { LineBroken, type Request, type Response, type Transport } from "@/features/upload/engine/transport";

type Stored = {
  files: Map<string, { size: number; chunks: Map<number, Uint8Array> }>;
  chunkSize: number;
  total: number;
  token: string;
  state: string;
};

/** What goes wrong next: consumed in order, one a request that matches. */
export type Fault = { at: RegExp; answer: Response | "line" };

/** The box's side of an upload, in memory: judges chunks as the contract says. */
export class MemoryBox {
  readonly uploads = new Map<string, Stored>();
  readonly requests: { method: string; url: string; chunks: number }[] = [];
  faults: Fault[] = [];
  duplicate = false;
  #count = 0;

  transport: Transport = async (request) => {
    const path = request.url.replace("/api/v1/", "");
    const entry = { method: request.method, url: path, chunks: 0 };
    this.requests.push(entry);
    const place = this.faults.findIndex(({ at }) => at.test(`${request.method} ${path}`));
    if (place >= 0) {
      const [fault] = this.faults.splice(place, 1);
      if (fault?.answer === "line") throw new LineBroken();
      return fault?.answer as Response;
    }
    if (request.signal.aborted) throw new LineBroken();
    return this.#route(request, path, entry);
  };

  async #route(request: Request, path: string, entry: { chunks: number }): Promise<Response> {
    if (path === "upload/init") return this.#init(JSON.parse(request.body as string));
    if (path.startsWith("auth/refresh-upload-token")) return ok({ upload_token: this.uploads.get(path.split("=")[1] ?? "")?.token });
    const [, id = "", what = ""] = /^upload\/([^/?]+)\/?([a-z]*)/.exec(path) ?? [];
    const upload = this.uploads.get(id);
    if (!upload) return { status: 404, retryAfter: null, body: {} };
    if (request.method !== "DELETE" && request.headers?.["X-Upload-Token"] !== upload.token)
      return { status: 401, retryAfter: null, body: {} };
    if (what === "status") return ok(this.#status(upload));
    if (what === "batch") return this.#batch(upload, request.body as FormData, entry);
    if (what === "complete") return this.#complete(upload);
    this.uploads.delete(id);
    return { status: 204, retryAfter: null, body: null };
  }

  #init(body: {
    files: { file_id: string; size: number }[];
    total_size_bytes: number;
    chunk_size: number;
    force_upload: boolean;
  }): Response {
    if (this.duplicate && !body.force_upload)
      return {
        status: 409,
        retryAfter: null,
        body: { code: "DUPLICATE_STUDY", uploaded_at: "2026-01-02T03:04:05Z", uploaded_by: "maria" },
      };
    this.#count += 1;
    const id = `up${this.#count}`;
    const files = new Map(body.files.map(({ file_id, size }) => [file_id, { size, chunks: new Map<number, Uint8Array>() }]));
    this.uploads.set(id, { files, chunkSize: body.chunk_size, total: body.total_size_bytes, token: `token-${id}`, state: "uploading" });
    return {
      status: 201,
      retryAfter: null,
      body: { upload_id: id, upload_token: `token-${id}`, chunk_size: body.chunk_size, expires_at: "2026-02-01T00:00:00Z" },
    };
  }

  #status(upload: Stored): unknown {
    const files = [...upload.files].map(([id, { size, chunks }]) => [
      id,
      { received_chunks: [...chunks.keys()], complete: have(chunks) === size, size },
    ]);
    return {
      state: upload.state,
      uploaded_bytes: [...upload.files.values()].reduce((sum, { chunks }) => sum + have(chunks), 0),
      files: Object.fromEntries(files),
    };
  }

  async #batch(upload: Stored, form: FormData, entry: { chunks: number }): Promise<Response> {
    const manifest = JSON.parse(String(form.get("manifest"))) as { file_id: string; chunk_index: number; size: number; sha256?: string }[];
    const data = new Uint8Array(await (form.get("data") as Blob).arrayBuffer());
    entry.chunks = manifest.length;
    let at = 0;
    const answers = [];
    for (const { file_id, chunk_index, size, sha256 } of manifest) {
      const bytes = data.slice(at, at + size);
      at += size;
      const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
      const file = upload.files.get(file_id);
      const good = file !== undefined && bytes.length === size && digest === sha256;
      if (good) file.chunks.set(chunk_index, bytes);
      answers.push({ file_id, chunk_index, status: good ? "received" : "failed", ...(good ? {} : { error: "checksum mismatch" }) });
    }
    return ok(answers);
  }

  #complete(upload: Stored): Response {
    const whole = [...upload.files.values()].every(({ size, chunks }) => have(chunks) === size);
    if (!whole) return { status: 409, retryAfter: null, body: { detail: "chunks are missing" } };
    upload.state = "complete";
    const files = [...upload.files.keys()].map((file_id) => ({ file_id, status: "success" }));
    return ok({ status: "success", report_id: "r1", warnings: [], processed_files: files.length, failed_files: 0, files });
  }

  /** What the box holds of a file, joined. */
  bytes(uploadId: string, fileId: string): Uint8Array {
    const chunks = this.uploads.get(uploadId)?.files.get(fileId)?.chunks ?? new Map<number, Uint8Array>();
    return new Uint8Array([...chunks.entries()].sort(([a], [b]) => a - b).flatMap(([, bytes]) => [...bytes]));
  }
}

const ok = (body: unknown): Response => ({ status: 200, retryAfter: null, body });
const have = (chunks: Map<number, Uint8Array>) => [...chunks.values()].reduce((sum, bytes) => sum + bytes.length, 0);
