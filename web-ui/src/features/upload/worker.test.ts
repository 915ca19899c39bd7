import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { wipe } from "@/store/db";
import { loadBlobs } from "@/store/files";
import { saveJob } from "@/store/job";
import { dicomFile } from "@/test/dicom";
import { jobOf } from "@/test/job";
import { type Command, channelName, type FromWorker, lockName, type Report, type ToWorker } from "./protocol";

// The worker's own file, in this thread: what it is told comes by `onmessage`, what it says by `postMessage` and the user's channel.

const posted: FromWorker[] = [];
let channel: BroadcastChannel;
let reports: Report[] = [];
const tell = (data: ToWorker) => (self.onmessage as unknown as (event: { data: ToWorker }) => void)({ data });
const say = (command: Command) => channel.postMessage(command);

const JOB = jobOf("w1", { kind: "paused" });

beforeEach(async () => {
  posted.length = 0;
  reports = [];
  vi.stubGlobal("postMessage", (message: FromWorker) => void posted.push(message));
  await wipe("w1");
  await saveJob(JOB);
  channel = new BroadcastChannel(channelName("w1"));
  channel.onmessage = ({ data }: MessageEvent<Report>) => void reports.push(data);
  vi.resetModules();
  await import("./worker");
});

afterEach(() => {
  channel.close();
  self.onmessage = null;
});

test("it reads heads for its own tab, says which is what, and copies what is wanted into the store", async () => {
  const files = [dicomFile({ name: "DOE^JOHN" }), new File(["plain"], "notes.txt")];
  tell({ type: "user", userId: "w1" });
  tell({ type: "scan", scan: 7, files });
  const scanned = () => posted.filter((message) => message.type === "scanned");
  await vi.waitFor(() => expect(scanned().flatMap(({ results }) => results)).toHaveLength(2), { timeout: 30_000 });
  expect(scanned().every(({ scan }) => scan === 7)).toBe(true);
  const found = scanned().flatMap(({ results }) => results);
  expect(found.sort((a, b) => a.place - b.place).map(({ kind }) => kind)).toEqual(["dicom", "not_dicom"]);
  tell({ type: "keep", scan: 7, owner: "d1", files: [{ fileId: "f1", place: 0 }] });
  await vi.waitFor(() => expect(posted.at(-1)).toEqual({ type: "copied", owner: "d1", done: 1, total: 1, state: "stored" }), {
    timeout: 30_000,
  });
  const [stored] = await loadBlobs("w1", "d1", ["f1"]);
  expect(stored?.size).toBe(files[0]?.size);
});

test("told who is signed in, it takes the user's lock, tells what is unfinished, and listens to nobody else", async () => {
  tell({ type: "user", userId: "w1" });
  await vi.waitFor(
    () => {
      say({ type: "hello" });
      expect(reports.findLast((one) => one.type === "jobs")).toMatchObject({ jobs: [{ id: "j1", state: { kind: "paused" } }] });
    },
    { timeout: 30_000 },
  );
  const other = await navigator.locks.request(lockName("w1"), { ifAvailable: true }, async (lock) => lock);
  expect(other).toBeNull();
  tell({ type: "user", userId: "w2" });
  const free = await navigator.locks.request(lockName("w2"), { ifAvailable: true }, async (lock) => lock !== null);
  expect(free).toBe(true);
});
