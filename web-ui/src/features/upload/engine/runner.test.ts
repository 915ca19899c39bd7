import { expect, test } from "vitest";
import type { Job } from "@/store/job";
import { type Fault, MemoryBox } from "@/test/box";
import { type Change, Runner } from "./runner";
import type { Response } from "./transport";

const KIB = 1024;

function files(sizes: number[]): Map<string, Blob> {
  return new Map(sizes.map((size, n) => [`f${n + 1}`, new Blob([Uint8Array.from({ length: size }, (_, i) => (i * 31 + n * 7) % 251)])]));
}

function jobOf(blobs: Map<string, Blob>, chunkSize = 4 * KIB): Job {
  return {
    id: "j1",
    userId: "u1",
    createdAt: 0,
    metadata: { patient_name: "DOE^JANE", study_date: "2026-01-02", modality: "CT", service_level: "routine" },
    clinicalHistory: "cough",
    files: [...blobs].map(([fileId, blob]) => ({ fileId, name: `${fileId}.dcm`, size: blob.size })),
    totalBytes: [...blobs.values()].reduce((sum, blob) => sum + blob.size, 0),
    chunkSize,
    requestMib: 16,
    force: false,
    upload: null,
    acknowledged: 0,
    state: { kind: "queued" },
  };
}

/** Runs a job against the box in memory; sleeping takes no time and is written down. */
async function run(
  box: MemoryBox,
  blobs: Map<string, Blob>,
  given: Partial<{ job: Job; token: string | null; stop: (job: Job) => boolean; transport: MemoryBox["transport"] }> = {},
) {
  const job = given.job ?? jobOf(blobs);
  const slept: number[] = [];
  const changes: Change[] = [];
  const stop = new AbortController();
  let clock = 0;
  const runner = new Runner(
    job,
    {
      transport: given.transport ?? box.transport,
      blobs: async (ids) => ids.map((id) => blobs.get(id)),
      save: async () => undefined,
      token: async () => (given.token === undefined ? "access" : given.token),
      sleep: async (ms) => {
        slept.push(ms);
        clock += ms;
        if (slept.length > 50 || given.stop?.(job)) stop.abort();
      },
      now: () => clock,
      random: () => 1,
      changed: (change) => {
        changes.push(change);
        if (given.stop?.(job)) stop.abort();
      },
    },
    stop.signal,
  );
  await runner.run();
  return { job, slept, changes, states: job.state.kind };
}

const answer = (status: number, body: unknown = {}, retryAfter: string | null = null): Response => ({ status, body, retryAfter });

async function same(box: MemoryBox, uploadId: string, blobs: Map<string, Blob>): Promise<void> {
  await Promise.all(
    [...blobs].map(async ([id, blob]) =>
      expect(Buffer.from(box.bytes(uploadId, id)).equals(Buffer.from(await blob.arrayBuffer()))).toBe(true),
    ),
  );
}

test("all bytes of all files arrive, many small ones in one request", async () => {
  const box = new MemoryBox();
  const blobs = files([10_000, 1, 4096, 8192, 50_001]);
  const { job, changes } = await run(box, blobs);
  expect(job.state).toMatchObject({ kind: "done", receipt: { status: "success", processed: 5, reportId: "r1" } });
  await same(box, "up1", blobs);
  expect(job.acknowledged).toBe(job.totalBytes);
  expect(box.requests.filter(({ url }) => url.endsWith("/batch"))).toHaveLength(1);
  const done = changes.filter((change) => change.kind === "file" && change.done === blobs.get(`f${change.place + 1}`)?.size);
  expect(new Set(done.map((change) => change.kind === "file" && change.place)).size).toBe(5);
});

test("a resumed job sends only what the box does not have", async () => {
  const box = new MemoryBox();
  const blobs = files([40 * KIB]);
  const { job } = await run(box, blobs);
  const upload = box.uploads.get("up1");
  if (!upload || !job.upload) throw new Error("nothing was sent");
  upload.state = "uploading";
  for (const index of [1, 3, 7]) upload.files.get("f1")?.chunks.delete(index);
  const before = box.requests.length;
  const again: Job = { ...jobOf(blobs), upload: job.upload };
  await run(box, blobs, { job: again });
  expect(again.state.kind).toBe("done");
  const sent = box.requests.slice(before);
  expect(sent.some(({ url }) => url === "upload/init")).toBe(false);
  expect(sent.reduce((sum, { chunks }) => sum + chunks, 0)).toBe(3);
  await same(box, "up1", blobs);
});

const passing: [string, Fault[], number[]][] = [
  [
    "a broken line, twice",
    [
      { at: /batch/, answer: "line" },
      { at: /batch/, answer: "line" },
    ],
    [1000, 2000],
  ],
  ["503 at the start", [{ at: /init/, answer: answer(503) }], [1000]],
  ["a full box waits a minute", [{ at: /init/, answer: answer(507) }], [60_000]],
  ["429 waits as long as it is told", [{ at: /batch/, answer: answer(429, {}, "7") }], [7000]],
  ["a gateway's 502 at the end", [{ at: /\/complete$/, answer: answer(502) }], [1000]],
  ["a box that is still reading", [{ at: /\/complete$/, answer: answer(202, { status: "processing" }) }], [2000]],
  ["chunks that are missing at the end", [{ at: /\/complete$/, answer: answer(409) }], []],
];

test.each(passing)("the line never fails a job: %s", async (_, faults, waits) => {
  const box = new MemoryBox();
  box.faults = faults;
  const blobs = files([10_000]);
  const { job, slept } = await run(box, blobs);
  expect(job.state).toMatchObject({ kind: "done" });
  expect(slept).toEqual(waits);
  await same(box, "up1", blobs);
});

test("while a full box is waited for, nothing counts as on the line, and the same request is sent again", async () => {
  const box = new MemoryBox();
  const blobs = files([9000]);
  let full = true;
  const { job, slept, changes } = await run(box, blobs, {
    transport: async (request) => {
      if (!full || !request.url.endsWith("/batch")) return box.transport(request);
      full = false;
      request.progress?.(9000);
      return answer(507, {}, "60");
    },
  });
  expect(job.state.kind).toBe("done");
  expect(slept).toEqual([60_000]);
  const waits = changes.findIndex((change) => change.kind === "log" && change.id === "log.waiting_full");
  expect(changes.slice(0, waits)).toContainEqual({ kind: "bytes", acknowledged: 0, inFlight: 9000 });
  expect(changes.slice(waits).find((change) => change.kind === "bytes")).toEqual({ kind: "bytes", acknowledged: 0, inFlight: 0 });
  await same(box, "up1", blobs);
});

test("a line that is down for long is tried again with growing pauses, at most 30 s", async () => {
  const box = new MemoryBox();
  box.faults = Array.from({ length: 9 }, () => ({ at: /init/, answer: "line" as const }));
  const { job, slept } = await run(box, files([100]));
  expect(job.state.kind).toBe("done");
  expect(slept).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test.each([404, "expired"])("an upload the box has forgotten (%s) begins again with the same files", async (how) => {
  const box = new MemoryBox();
  const blobs = files([9000]);
  box.faults = [
    how === 404
      ? { at: /batch/, answer: answer(404) }
      : { at: /status/, answer: answer(200, { state: "expired", files: {}, uploaded_bytes: 0 }) },
  ];
  const begun = jobOf(blobs);
  await run(box, blobs, { job: begun, stop: (one) => one.upload !== null });
  const { job } = await run(box, blobs, { job: begun });
  expect(job.state.kind).toBe("done");
  expect(job.upload?.id).toBe("up2");
  await same(box, "up2", blobs);
});

test("a known study asks before it is sent, and is sent when told to", async () => {
  const box = new MemoryBox();
  box.duplicate = true;
  const blobs = files([500]);
  const { job } = await run(box, blobs);
  expect(job.state).toEqual({ kind: "duplicate", earlier: { uploadedAt: "2026-01-02T03:04:05Z", uploadedBy: "maria" } });
  job.force = true;
  await run(box, blobs, { job });
  expect(job.state.kind).toBe("done");
});

test("a refusal of the study is said in its words", async () => {
  const box = new MemoryBox();
  box.faults = [
    { at: /init/, answer: answer(422, { detail: "bad", errors: [{ pointer: "/study_metadata/study_date", detail: "no date" }] }) },
  ];
  const { job } = await run(box, files([500]));
  expect(job.state).toEqual({ kind: "failed", code: "422", detail: "study_metadata/study_date: no date" });
});

test("bytes that arrive changed are sent again, at most three times", async () => {
  const blobs = files([10_000]);
  const bad = (error: string) =>
    answer(
      200,
      [0, 1, 2].map((chunk_index) => ({ file_id: "f1", chunk_index, status: "failed", error })),
    );
  const box = new MemoryBox();
  box.faults = [
    { at: /batch/, answer: bad("checksum mismatch") },
    { at: /batch/, answer: bad("checksum mismatch") },
  ];
  expect((await run(box, blobs)).job.state.kind).toBe("done");
  await same(box, "up1", blobs);
  const worse = new MemoryBox();
  worse.faults = Array.from({ length: 9 }, () => ({ at: /batch/, answer: bad("sha256 differs") }));
  const { job } = await run(worse, blobs);
  expect(job.state).toMatchObject({ kind: "failed", code: "files" });
  expect(job.files[0]?.error).toBe("sha256 differs");
});

test("a file that cannot be taken fails alone; the others arrive", async () => {
  const blobs = files([3000, 3000, 3000]);
  const box = new MemoryBox();
  const { transport } = box;
  const picky: typeof transport = async (request) => {
    const given = await transport(request);
    if (!request.url.endsWith("/batch")) return given;
    const body = (given.body as { file_id: string; chunk_index: number; status: string }[]).map((one) =>
      one.file_id === "f2" ? { ...one, status: "failed", error: "other bytes under this index" } : one,
    );
    return { ...given, body };
  };
  const { job, changes } = await run(box, blobs, { transport: picky });
  expect(job.state).toMatchObject({ kind: "failed", code: "files" });
  expect(job.files.map(({ error }) => error)).toEqual([undefined, "other bytes under this index", undefined]);
  expect(changes).toContainEqual({ kind: "log", id: "log.file_failed", values: { name: "f2.dcm" } });
});

test("a file that left this browser fails with that reason", async () => {
  const blobs = files([3000, 3000]);
  const job = jobOf(blobs);
  blobs.delete("f2");
  await run(new MemoryBox(), blobs, { job });
  expect(job.files[1]?.error).toBe("file_missing");
});

test("a request that is too large is made smaller", async () => {
  const box = new MemoryBox();
  box.faults = [{ at: /batch/, answer: answer(413) }];
  const blobs = files([9000, 9000]);
  expect((await run(box, blobs)).job.state.kind).toBe("done");
  await same(box, "up1", blobs);
});

test("a session that ends in the middle is no matter while the upload's own token lives", async () => {
  const box = new MemoryBox();
  const blobs = files([9000]);
  const job = jobOf(blobs);
  await run(box, blobs, { job, stop: () => box.uploads.size > 0 });
  expect(job.upload).not.toBeNull();
  await run(box, blobs, { job, token: null });
  expect(job.state.kind).toBe("done");
});

test("an upload token that is over is renewed by its owner; without one the job waits for sign-in", async () => {
  const box = new MemoryBox();
  const blobs = files([9000]);
  box.faults = [{ at: /batch/, answer: answer(401) }];
  expect((await run(box, blobs)).job.state.kind).toBe("done");
  expect(box.requests.some(({ url }) => url.startsWith("auth/refresh-upload-token?upload_id=up1"))).toBe(true);
  const { job } = await run(new MemoryBox(), blobs, { token: null, stop: (one) => one.state.kind === "waiting" });
  expect(job.state).toMatchObject({ kind: "waiting", why: "signed_out" });
});

test("stopping leaves the job as it was, to be taken up again", async () => {
  const box = new MemoryBox();
  const blobs = files([9000]);
  const job = jobOf(blobs);
  await run(box, blobs, { job, stop: (one) => one.upload !== null });
  expect(job.state.kind).toBe("sending");
  await run(box, blobs, { job });
  expect(job.state.kind).toBe("done");
});

test("a box that always misses something is not asked for ever", async () => {
  const box = new MemoryBox();
  box.faults = [
    { at: /\/complete$/, answer: answer(409, { detail: "chunks are missing" }) },
    { at: /\/complete$/, answer: answer(409, { detail: "chunks are missing" }) },
    { at: /\/complete$/, answer: answer(409, { detail: "chunks are missing" }) },
  ];
  const { job } = await run(box, files([900]));
  expect(job.state).toMatchObject({ kind: "failed", detail: "chunks are missing" });
});

test("a line that cuts large requests gets smaller ones until everything arrived", async () => {
  const box = new MemoryBox();
  const blobs = files(Array.from({ length: 5 }, () => 1024 * KIB));
  let cuts = 0;
  const { states, job } = await run(box, blobs, {
    job: jobOf(blobs, 1024 * KIB),
    transport: async (request) => {
      const data = request.body instanceof FormData ? request.body.get("data") : null;
      if (data instanceof Blob && data.size > 3 * 1024 * KIB) {
        cuts += 1;
        request.progress?.(1);
        throw new Error("reset");
      }
      return box.transport(request);
    },
  });
  expect(states).toBe("done");
  expect(cuts).toBe(1);
  await same(box, job.upload?.id ?? "", blobs);
});
