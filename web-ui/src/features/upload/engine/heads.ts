import dicomParser from "dicom-parser";
import type { Head } from "@/store/draft";

/** Bytes read first; a head that does not fit gets the second size. */
const FIRST = 64 * 1024;
const SECOND = 1024 * 1024;
/** SeriesNumber: all tags wanted stand at or before it. */
const LAST_TAG = "x00200011";

export type HeadResult = { kind: "head"; head: Head } | { kind: "not_dicom" } | { kind: "unreadable" };

/** Reads what the header of a file says. A DICOM file is known by `DICM` at byte 128 (PS3.10 §7.1), never by its name. */
export async function readHead(file: Blob): Promise<HeadResult> {
  // A slice takes the browser as long as reading it.
  const first = await (file.size <= FIRST ? file : file.slice(0, FIRST)).arrayBuffer();
  if (!isDicom(first)) return { kind: "not_dicom" };
  const head = parse(first) ?? (file.size > FIRST ? parse(await file.slice(0, SECOND).arrayBuffer()) : null);
  return head ? { kind: "head", head } : { kind: "unreadable" };
}

export function isDicom(bytes: ArrayBuffer): boolean {
  return bytes.byteLength >= 132 && String.fromCharCode(...new Uint8Array(bytes, 128, 4)) === "DICM";
}

/** `PK\x03\x04`: goes up whole, the box unpacks. */
export async function isZip(file: Blob): Promise<boolean> {
  const bytes = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

function parse(bytes: ArrayBuffer): Head | null {
  let set: dicomParser.DataSet;
  let whole = true;
  try {
    set = dicomParser.parseDicom(new Uint8Array(bytes), { untilTag: LAST_TAG });
  } catch (error) {
    // The reader ran over the end and says how far it came.
    const partial = (error as { dataSet?: dicomParser.DataSet }).dataSet;
    if (!partial) return null;
    set = partial;
    whole = false;
  }
  const decode = decoder(ascii(set, "x00080005"));
  const text = (tag: string) => decode(raw(set, tag));
  const head: Head = {
    studyUid: ascii(set, "x0020000d"),
    seriesUid: ascii(set, "x0020000e"),
    sopUid: ascii(set, "x00080018"),
    patientName: text("x00100010"),
    patientId: text("x00100020"),
    studyDate: ascii(set, "x00080020"),
    modality: ascii(set, "x00080060"),
    age: ascii(set, "x00101010"),
    sex: ascii(set, "x00100040"),
    studyDescription: text("x00081030"),
    seriesDescription: text("x0008103e"),
    seriesNumber: ascii(set, "x00200011"),
  };
  return whole || (head.studyUid && head.seriesUid) ? head : null;
}

function raw(set: dicomParser.DataSet, tag: string): Uint8Array {
  const element = set.elements[tag];
  return element
    ? (set.byteArray.subarray(element.dataOffset, element.dataOffset + Math.min(element.length, 1024)) as Uint8Array)
    : new Uint8Array();
}

function ascii(set: dicomParser.DataSet, tag: string): string {
  return trim(new TextDecoder("latin1").decode(raw(set, tag)));
}

const trim = (text: string) => text.replace(/[\0\s]+$/u, "").trimStart();

/** Defined terms of (0008,0005), PS3.3 C.12.1.1.2, as encodings of the platform. */
const CHARSETS: Record<string, string> = {
  "": "latin1",
  "ISO_IR 6": "latin1",
  "ISO_IR 100": "iso-8859-1",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 148": "iso-8859-9",
  "ISO_IR 166": "windows-874",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
  "ISO 2022 IR 87": "iso-2022-jp",
  "ISO 2022 IR 159": "iso-2022-jp",
  "ISO 2022 IR 149": "euc-kr",
  "ISO 2022 IR 58": "gb2312",
};

/** How text of this character set is read: with several values, the last one that is known. */
export function decoder(characterSet: string): (bytes: Uint8Array) => string {
  const terms = characterSet.split("\\").map((term) => term.trim());
  const known = terms
    .map((term) => CHARSETS[term] ?? CHARSETS[term.replace("ISO 2022 IR", "ISO_IR")])
    .filter((label) => label !== undefined);
  const label = known.at(-1) ?? "latin1";
  // Korean and Chinese escapes announce sets that their encodings hold anyway; the Japanese decoder reads its own.
  const strip = label === "euc-kr" || label === "gb2312";
  return (bytes) => {
    const text = new TextDecoder(label).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ISO 2022 escape sequences begin with ESC
    return trim(strip ? text.replace(/\x1b\$?[)(]?[A-Z]/g, "") : text);
  };
}
