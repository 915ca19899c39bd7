import { personName } from "@/i18n/format";
import type { DraftStudy } from "@/store/draft";

/** What a study of a draft is called: its patient or, while nobody knows, its first file. */
export const nameOf = ({ form, files }: DraftStudy): string => personName(form.patientName) || (files[0]?.name ?? "");
