import type { ReportStatus } from "@/api/types";
import { useT } from "@/i18n/useT";
import { Status, type Tone } from "@/ui/Status";

const TONES: Record<ReportStatus, Tone> = { assigned: "calm", pending: "info", ready: "ok", additional_data_required: "warn" };

export function ReportStatusChip({ status }: { status: ReportStatus }) {
  const t = useT();
  return <Status tone={TONES[status]}>{t(`report.${status}`)}</Status>;
}
