import type { Scanned } from "../protocol";
import { isZip, readHead } from "./heads";

const AT_ONCE = 8;

/** Says of one chosen file what it is. */
export async function scanFile(file: Blob, place: number): Promise<Scanned> {
  const { size } = file;
  if (size === 0) return { place, size, kind: "empty" };
  try {
    const result = await readHead(file);
    if (result.kind === "head") return { place, size, kind: "dicom", head: result.head };
    if (result.kind === "not_dicom") return { place, size, kind: (await isZip(file)) ? "zip" : "not_dicom" };
    return { place, size, kind: "unreadable" };
  } catch {
    return { place, size, kind: "not_dicom" };
  }
}

/** Reads all heads, a few at once, and tells of them in groups. `from`: the place of the first. */
export async function scan(files: Blob[], from: number, tell: (results: Scanned[]) => void): Promise<void> {
  let next = 0;
  let found: Scanned[] = [];
  const reader = async () => {
    while (next < files.length) {
      const place = next;
      next += 1;
      const result = await scanFile(files[place] as Blob, from + place);
      found.push(result);
      if (found.length < 100) continue;
      tell(found);
      found = [];
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  if (found.length > 0) tell(found);
}
