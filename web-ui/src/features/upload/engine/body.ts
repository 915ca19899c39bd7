import type { JobFile } from "@/store/job";
import type { Chunk } from "./plan";

/** SHA-256 in hex; null where the page is no secure context and there is no WebCrypto. */
async function sha256Of(part: Blob): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await part.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A chunk's bytes; a slice costs a moment, which a whole small file does not need. */
const partOf = (blob: Blob, { start, size }: Chunk) => (size === blob.size ? blob : blob.slice(start, start + size));

/**
 * The body of a request: the manifest first, then the bytes of all chunks in its order. `lost`: chunks whose file is not there or can no longer
 * be read (the medium is gone, or the file was changed).
 */
export async function bodyOf(
  pack: Chunk[],
  files: JobFile[],
  blobs: (fileIds: string[]) => Promise<(Blob | undefined)[]>,
): Promise<{ form: FormData; bytes: number; lost: Chunk[] }> {
  const places = [...new Set(pack.map((chunk) => chunk.file))];
  const given = await blobs(places.map((place) => files[place]?.fileId ?? ""));
  const lost: Chunk[] = [];
  const parts = await Promise.all(
    pack.map(async (chunk) => {
      const file = files[chunk.file];
      const blob = given[places.indexOf(chunk.file)];
      try {
        if (!file || !blob || blob.size !== file.size) throw new Error("another file");
        const part = partOf(blob, chunk);
        const sha256 = await sha256Of(part);
        return { part, entry: { file_id: file.fileId, chunk_index: chunk.index, size: chunk.size, ...(sha256 ? { sha256 } : {}) } };
      } catch {
        lost.push(chunk);
        return null;
      }
    }),
  );
  const good = parts.filter((one) => one !== null);
  const bytes = good.map(({ part }) => part);
  const form = new FormData();
  form.append("manifest", JSON.stringify(good.map(({ entry }) => entry)));
  form.append("data", new Blob(bytes, { type: "application/octet-stream" }), "data");
  return { form, bytes: good.reduce((sum, { entry }) => sum + entry.size, 0), lost };
}
