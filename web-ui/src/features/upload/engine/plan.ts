import type { JobFile } from "@/store/job";

/** One chunk to send: which file (by its place in the job), which part of it. */
export type Chunk = { file: number; index: number; start: number; size: number };

export const chunkCount = (size: number, chunkSize: number) => Math.ceil(size / chunkSize);

/** Every chunk of the job that the box does not have, in order. Files that failed are left out. */
export function missingChunks(files: JobFile[], chunkSize: number, received: (fileId: string) => ReadonlySet<number> | "all"): Chunk[] {
  const chunks: Chunk[] = [];
  files.forEach((file, place) => {
    const there = received(file.fileId);
    if (there === "all" || file.error) return;
    for (let index = 0; index < chunkCount(file.size, chunkSize); index += 1) {
      const start = index * chunkSize;
      if (!there.has(index)) chunks.push({ file: place, index, start, size: Math.min(chunkSize, file.size - start) });
    }
  });
  return chunks;
}

const MIB = 1024 * 1024;
const FIRST_MIB = 5;
const MOST_MIB = 16;
/** Chunks in one request, however small they are. */
const MOST_CHUNKS = 64;
/** Requests that must arrive before one larger than what broke is tried again. */
const PROOF = 16;
const FAST_MS = 500;
const SLOW_MS = 8000;

/** How much one request carries: grows while the line is quick, shrinks when it is slow or breaks. */
export class PackSizer {
  #mib = FIRST_MIB;
  #ceiling: number;
  #arrived = 0;

  constructor(private readonly limitMib: number = MOST_MIB) {
    this.#mib = Math.min(FIRST_MIB, limitMib);
    this.#ceiling = limitMib;
  }

  get mib(): number {
    return this.#mib;
  }

  took(ms: number): void {
    this.#arrived += 1;
    if (this.#arrived % PROOF === 0) this.#ceiling = Math.min(this.limitMib, this.#ceiling * 2);
    if (ms < FAST_MS) this.#mib = Math.min(this.#ceiling, this.#mib * 2);
    else if (ms > SLOW_MS) this.#mib = Math.max(1, Math.floor(this.#mib / 2));
  }

  /** The line broke while a request was under way: what lies in between may cut connections that carry much. */
  broke(): void {
    this.#arrived = 0;
    this.#ceiling = Math.max(1, Math.floor(this.#mib / 2));
    this.#mib = this.#ceiling;
  }

  /** The box found a request too large. Gives false when it was the smallest already. */
  tooLarge(): boolean {
    if (this.#mib === 1) return false;
    this.#mib = 1;
    return true;
  }

  /** Takes the next request's chunks off the front of the queue. */
  take(queue: Chunk[]): Chunk[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < MOST_CHUNKS) {
      const size = (queue[count] as Chunk).size;
      if (count > 0 && bytes + size > this.#mib * MIB) break;
      bytes += size;
      count += 1;
    }
    return queue.splice(0, count);
  }
}
