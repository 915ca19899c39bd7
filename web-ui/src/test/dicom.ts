// DICOM files made in code: explicit VR little endian, enough of a header to be read.

const encoder = new TextEncoder();
const LONG = new Set(["OB", "OW", "SQ", "UN", "UT"]);

function element(group: number, number: number, vr: string, value: Uint8Array): Uint8Array {
  const padded = value.length % 2 === 0 ? value : new Uint8Array([...value, vr === "UI" ? 0 : 32]);
  const long = LONG.has(vr);
  const bytes = new Uint8Array((long ? 12 : 8) + padded.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, group, true);
  view.setUint16(2, number, true);
  bytes.set(encoder.encode(vr), 4);
  if (long) view.setUint32(8, padded.length, true);
  else view.setUint16(6, padded.length, true);
  bytes.set(padded, long ? 12 : 8);
  return bytes;
}

export type Tags = Partial<{
  charset: string;
  sop: string;
  study: string;
  series: string;
  name: string | Uint8Array;
  id: string;
  date: string;
  modality: string;
  age: string;
  sex: string;
  studyDescription: string;
  seriesNumber: string;
  pixels: number;
  /** Bytes of a private element before the patient's name, to push it back. */
  ballast: number;
}>;

const text = (value: string | Uint8Array) => (typeof value === "string" ? encoder.encode(value) : value);

/** A file as a scanner would write it. */
export function dicomFile(tags: Tags = {}): File {
  const meta = element(2, 0x10, "UI", encoder.encode("1.2.840.10008.1.2.1"));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, meta.length, true);
  const parts: Uint8Array[] = [new Uint8Array(128), encoder.encode("DICM"), element(2, 0, "UL", length), meta];
  const put = (group: number, number: number, vr: string, value: string | Uint8Array | undefined) => {
    if (value !== undefined) parts.push(element(group, number, vr, text(value)));
  };
  put(8, 5, "CS", tags.charset);
  put(8, 0x18, "UI", tags.sop ?? "1.2.3.4.5");
  put(8, 0x20, "DA", tags.date);
  put(8, 0x60, "CS", tags.modality);
  put(8, 0x1030, "LO", tags.studyDescription);
  if (tags.ballast) put(9, 0x1001, "OB", new Uint8Array(tags.ballast));
  put(0x10, 0x10, "PN", tags.name);
  put(0x10, 0x20, "LO", tags.id);
  put(0x10, 0x40, "CS", tags.sex);
  put(0x10, 0x1010, "AS", tags.age);
  put(0x20, 0xd, "UI", tags.study ?? "1.2.3");
  put(0x20, 0xe, "UI", tags.series ?? "1.2.3.4");
  put(0x20, 0x11, "IS", tags.seriesNumber ?? "1");
  put(0x7fe0, 0x10, "OW", new Uint8Array(tags.pixels ?? 1024));
  return new File(parts as BlobPart[], "IM0001");
}
