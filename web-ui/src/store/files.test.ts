import { expect, test } from "vitest";
import { wipe } from "./db";
import { type Draft, deleteDraft, loadDraft, noteStored, saveDraft } from "./draft";
import { deleteFiles, loadBlobs, storeFiles, sweepFiles } from "./files";
import { deleteJob, type Job, saveJob } from "./job";

const USER = "files-user";
const blob = (text: string) => new Blob([text]);
const have = async (owner: string, ids: string[]) => (await loadBlobs(USER, owner, ids)).map((one) => one !== undefined);

const draftOf = (id: string, fileIds: string[]): Draft =>
  ({
    id,
    createdAt: 0,
    savedAt: 0,
    ignored: [],
    stored: false,
    patientsConfirmed: false,
    studies: [{ files: fileIds.map((fileId) => ({ fileId })) }],
  }) as unknown as Draft;
const jobOf = (id: string, owner: string | undefined, fileIds: string[], kind: "sending" | "done"): Job =>
  ({
    id,
    userId: USER,
    createdAt: 0,
    ...(owner ? { owner } : {}),
    files: fileIds.map((fileId) => ({ fileId })),
    state: { kind },
  }) as unknown as Job;

test("files are given in the order asked for, and only their owner's are deleted", async () => {
  await wipe(USER);
  await storeFiles(USER, "d1", [
    { fileId: "f1", blob: blob("one") },
    { fileId: "f2", blob: blob("two") },
  ]);
  await storeFiles(USER, "d2", [{ fileId: "f1", blob: blob("other") }]);
  const [second, none, first] = await loadBlobs(USER, "d1", ["f2", "f9", "f1"]);
  expect([await second?.text(), none, await first?.text()]).toEqual(["two", undefined, "one"]);
  await deleteFiles(USER, "d1", ["f1"]);
  expect(await have("d1", ["f1", "f2"])).toEqual([false, true]);
  expect(await have("d2", ["f1"])).toEqual([true]);
});

test("two studies of one draft share an owner: the end of one leaves the other's bytes", async () => {
  await wipe(USER);
  await storeFiles(USER, "d1", [
    { fileId: "f1", blob: blob("one") },
    { fileId: "f2", blob: blob("two") },
  ]);
  const [one, two] = [jobOf("j1", "d1", ["f1"], "done"), jobOf("j2", "d1", ["f2"], "sending")];
  await saveJob(one);
  await saveJob(two);
  await deleteJob(one);
  expect(await have("d1", ["f1", "f2"])).toEqual([false, true]);
});

test("a sweep deletes what nothing needs", async () => {
  await wipe(USER);
  for (const owner of ["draft", "going", "over", "nobody", "old-job"]) await storeFiles(USER, owner, [{ fileId: "f1", blob: blob(owner) }]);
  await saveDraft(USER, draftOf("draft", ["f1"]));
  await saveJob(jobOf("j1", "going", ["f1"], "sending"));
  await saveJob(jobOf("j2", "over", ["f1"], "done"));
  await saveJob(jobOf("old-job", undefined, ["f1"], "sending"));
  await sweepFiles(USER);
  const left = await Promise.all(["draft", "going", "over", "nobody", "old-job"].map((owner) => have(owner, ["f1"])));
  expect(left.flat()).toEqual([true, true, false, false, true]);
});

test("that a draft is stored is not forgotten by a page that did not know", async () => {
  await wipe(USER);
  const draft = draftOf("d1", ["f1"]);
  await saveDraft(USER, draft);
  await noteStored(USER, "d1");
  await saveDraft(USER, draft);
  expect((await loadDraft(USER, "d1"))?.stored).toBe(true);
  await noteStored(USER, "gone");
  expect(await loadDraft(USER, "gone")).toBeUndefined();
  await storeFiles(USER, "d1", [{ fileId: "f1", blob: blob("one") }]);
  await deleteDraft(USER, draft);
  expect(await have("d1", ["f1"])).toEqual([false]);
  expect(await loadDraft(USER, "d1")).toBeUndefined();
});
