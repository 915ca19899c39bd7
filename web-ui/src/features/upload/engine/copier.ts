import type { Keepable } from "@/store/files";

/** Files in one transaction: enough to be quick, few enough that the first are there soon. */
const FILES_AT_ONCE = 50;
const BYTES_AT_ONCE = 32 * 1024 * 1024;

/** How far a copy is. `full`: there is no room for the rest; it is read from where it was chosen, as long as this tab lives. */
export type CopyState = "copying" | "stored" | "full";

type Copy = { waiting: Map<string, Blob>; total: number; state: CopyState; wake: (() => void)[] };

/**
 * Copies what was chosen into the browser's store while the form is filled in and the first files leave already. A file is sent when its copy
 * is there, so that a medium is read once and whatever left can be gone on with after a restart.
 */
export class Copier {
  readonly #copies = new Map<string, Copy>();

  constructor(private readonly store: (owner: string, files: Keepable[]) => Promise<void>) {}

  /** Ends when all are stored, or the store is full. Never throws. */
  async keep(owner: string, files: Keepable[], tell: (done: number, state: CopyState) => void): Promise<CopyState> {
    const copy: Copy = {
      waiting: new Map(files.map(({ fileId, blob }) => [fileId, blob])),
      total: files.length,
      state: "copying",
      wake: [],
    };
    this.#copies.set(owner, copy);
    while (copy.state === "copying") {
      const pack = packOf(copy.waiting);
      try {
        if (pack.length > 0) await this.store(owner, pack);
        for (const { fileId } of pack) copy.waiting.delete(fileId);
      } catch {
        copy.state = "full";
      }
      if (copy.waiting.size === 0) copy.state = "stored";
      for (const wake of copy.wake.splice(0)) wake();
      tell(copy.total - copy.waiting.size, copy.state);
    }
    if (copy.state === "stored") this.#copies.delete(owner);
    return copy.state;
  }

  /** Ends when these files are stored or will never be. */
  async settled(owner: string, fileIds: string[]): Promise<void> {
    for (;;) {
      const copy = this.#copies.get(owner);
      if (copy?.state !== "copying" || !fileIds.some((fileId) => copy.waiting.has(fileId))) return;
      await new Promise<void>((resolve) => copy.wake.push(resolve));
    }
  }

  /** The chosen file itself, where there was no room for its copy. */
  original(owner: string, fileId: string): Blob | undefined {
    return this.#copies.get(owner)?.waiting.get(fileId);
  }

  /** Their owner needs these no more. */
  forget(owner: string, fileIds: string[]): void {
    const copy = this.#copies.get(owner);
    if (!copy) return;
    for (const fileId of fileIds) copy.waiting.delete(fileId);
    if (copy.waiting.size === 0) this.#copies.delete(owner);
  }
}

function packOf(waiting: Map<string, Blob>): Keepable[] {
  const pack: Keepable[] = [];
  let bytes = 0;
  for (const [fileId, blob] of waiting) {
    bytes += blob.size;
    if (pack.length > 0 && (pack.length === FILES_AT_ONCE || bytes > BYTES_AT_ONCE)) break;
    pack.push({ fileId, blob });
  }
  return pack;
}
