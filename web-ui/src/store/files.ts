import { userDatabase } from "./db";

// The bytes that were chosen: each file once, under the draft it was chosen for. The uploads made of a draft name it as the owner of theirs.

export type Keepable = { fileId: string; blob: Blob };

/** Copies files into the store in one transaction. Rejects, with none of them stored, where there is no room. */
export async function storeFiles(userId: string, owner: string, files: Keepable[]): Promise<void> {
  const db = await userDatabase(userId);
  const transaction = db.transaction("files", "readwrite", { durability: "relaxed" });
  const puts = files.map(({ fileId, blob }) => transaction.store.put({ owner, fileId, blob }));
  // The reason stands in the transaction's own end; a put may only say that it was aborted.
  await Promise.all([...puts.map((put) => put.catch(() => undefined)), transaction.done]);
}

/** The files of these names, in their order; undefined for what is not there. */
export async function loadBlobs(userId: string, owner: string, fileIds: string[]): Promise<(Blob | undefined)[]> {
  const { store } = (await userDatabase(userId)).transaction("files");
  const rows = await Promise.all(fileIds.map((fileId) => store.get([owner, fileId])));
  return rows.map((row) => row?.blob);
}

export async function deleteFiles(userId: string, owner: string, fileIds: string[]): Promise<void> {
  const transaction = (await userDatabase(userId)).transaction("files", "readwrite");
  await Promise.all([...fileIds.map((fileId) => transaction.store.delete([owner, fileId])), transaction.done]);
}

/** Deletes what no draft and no unfinished upload needs: left behind by a browser that was closed in the middle of tidying up. */
export async function sweepFiles(userId: string): Promise<void> {
  const transaction = (await userDatabase(userId)).transaction(["drafts", "jobs", "files"], "readwrite");
  const needed = new Set<string>(await transaction.objectStore("drafts").getAllKeys());
  for (const job of await transaction.objectStore("jobs").getAll()) if (job.state.kind !== "done") needed.add(job.owner ?? job.id);
  const files = transaction.objectStore("files");
  for (let at = await files.index("owner").openKeyCursor(null, "nextunique"); at; at = await at.continue())
    if (!needed.has(at.key)) await files.delete(IDBKeyRange.bound([at.key, ""], [at.key, "\uffff"]));
  await transaction.done;
}
