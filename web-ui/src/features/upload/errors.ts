import type { T } from "@/i18n/useT";

const KNOWN = ["file_missing", "checksum", "not_dicom", "empty", "unreadable"];

/** What is said of a file that failed: our own codes in the reader's language, else the box's words. */
export const errorText = (error: string, t: T) => (KNOWN.includes(error) ? t(`error.${error}`) : error);
