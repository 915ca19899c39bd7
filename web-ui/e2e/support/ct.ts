import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// A CT in code: explicit VR little endian, 12-bit pixels of a phantom, everything a PACS asks of a CT image (PS3.3 A.3).

const LONG = new Set(["OB", "OW", "SQ", "UN", "UT"]);
const ROOT = "1.2.826.0.1.3680043.10.1338";
let last = 0;

/** A UID nobody used before. */
export function newUid(): string {
  last += 1;
  return `${ROOT}.${Date.now()}.${process.pid}.${last}`;
}

function element(group: number, number: number, vr: string, value: string | Buffer): Buffer {
  const raw = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  const bytes = raw.length % 2 === 0 ? raw : Buffer.concat([raw, Buffer.from(vr === "UI" ? "\0" : " ")]);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, "latin1");
  if (LONG.has(vr)) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};

export type Ct = {
  studyUid: string;
  name: string;
  id: string;
  date: string;
  images: number;
  size?: number;
  description?: string;
  modality?: string;
};

function image(ct: Ct, series: string, number: number): Buffer {
  const size = ct.size ?? 256;
  const sop = newUid();
  const samples = new Uint16Array(size * size);
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1) {
      const inside = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2;
      samples[y * size + x] = inside ? 1064 + ((x * 7 + y * 13 + number * 29) % 97) : 24 + ((x ^ y) % 5);
    }
  const pixels = Buffer.from(samples.buffer);
  const meta = Buffer.concat([
    element(2, 1, "OB", Buffer.from([0, 1])),
    element(2, 2, "UI", "1.2.840.10008.5.1.4.1.1.2"),
    element(2, 3, "UI", sop),
    element(2, 0x10, "UI", "1.2.840.10008.1.2.1"),
    element(2, 0x12, "UI", `${ROOT}.1`),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const set = [
    element(8, 5, "CS", "ISO_IR 192"),
    element(8, 8, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
    element(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.2"),
    element(8, 0x18, "UI", sop),
    element(8, 0x20, "DA", ct.date),
    element(8, 0x30, "TM", "101500"),
    element(8, 0x50, "SH", ""),
    element(8, 0x60, "CS", ct.modality ?? "CT"),
    element(8, 0x70, "LO", "RelayPACS"),
    element(8, 0x90, "PN", ""),
    element(8, 0x1030, "LO", ct.description ?? "Chest"),
    element(8, 0x103e, "LO", "Axial 1.0"),
    element(0x10, 0x10, "PN", ct.name),
    element(0x10, 0x20, "LO", ct.id),
    element(0x10, 0x30, "DA", "19800101"),
    element(0x10, 0x40, "CS", "F"),
    element(0x10, 0x1010, "AS", "046Y"),
    element(0x18, 0x50, "DS", "1"),
    element(0x18, 0x60, "DS", "120"),
    element(0x20, 0xd, "UI", ct.studyUid),
    element(0x20, 0xe, "UI", series),
    element(0x20, 0x10, "SH", "1"),
    element(0x20, 0x11, "IS", "2"),
    element(0x20, 0x13, "IS", String(number)),
    element(0x20, 0x32, "DS", `0\\0\\${number}`),
    element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"),
    element(0x20, 0x52, "UI", `${ct.studyUid}.9`),
    element(0x28, 2, "US", u16(1)),
    element(0x28, 4, "CS", "MONOCHROME2"),
    element(0x28, 0x10, "US", u16(size)),
    element(0x28, 0x11, "US", u16(size)),
    element(0x28, 0x30, "DS", "1\\1"),
    element(0x28, 0x100, "US", u16(16)),
    element(0x28, 0x101, "US", u16(12)),
    element(0x28, 0x102, "US", u16(11)),
    element(0x28, 0x103, "US", u16(0)),
    element(0x28, 0x1050, "DS", "40"),
    element(0x28, 0x1051, "DS", "400"),
    element(0x28, 0x1052, "DS", "-1024"),
    element(0x28, 0x1053, "DS", "1"),
    element(0x7fe0, 0x10, "OW", pixels),
  ];
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), element(2, 0, "UL", length), meta, ...set]);
}

/** Writes a study into a folder, as a CD has it: no endings, a sub-folder. Gives the files. */
export function writeCt(folder: string, change: Partial<Ct> = {}): Ct & { files: string[]; folder: string } {
  last += 1;
  const day = String(1 + (last % 28)).padStart(2, "0");
  const ct: Ct = { studyUid: newUid(), name: `E2E^PATIENT${last}`, id: `E-${last}`, date: `202501${day}`, images: 4, ...change };
  const place = join(folder, `CD${last}`, "DICOM");
  mkdirSync(place, { recursive: true });
  const series = newUid();
  const files = Array.from({ length: ct.images }, (_, n) => {
    const file = join(place, `IM${String(n + 1).padStart(4, "0")}`);
    writeFileSync(file, image(ct, series, n + 1));
    return file;
  });
  return { ...ct, files, folder: place };
}
