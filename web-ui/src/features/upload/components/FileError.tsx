import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";

const OURS = ["file_missing", "checksum", "not_dicom", "empty", "unreadable"];

/** What is said of a file that failed: our own codes, or the box's words. */
export function FileError({ error }: { error: string }) {
  const t = useT();
  return OURS.includes(error) ? t(`error.${error}`) : <BoxWords text={error} />;
}
