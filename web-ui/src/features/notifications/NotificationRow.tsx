import { useMutation, useQueryClient } from "@tanstack/react-query";
import {
  BellDot,
  CircleAlert,
  CircleCheck,
  FileText,
  HardDrive,
  type LucideIcon,
  MailOpen,
  Server,
  ShieldAlert,
  Trash2,
} from "lucide-react";
import { Link } from "react-router";
import type { Notification } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { targetOf } from "@/pwa/notices";
import { IconButton } from "@/ui/Button";
import { remove, setRead } from "./api";
import { words } from "./words";

const ICONS: Record<string, LucideIcon> = {
  upload_complete: CircleCheck,
  upload_failed: CircleAlert,
  report_assigned: FileText,
  report_ready: FileText,
  additional_data_required: CircleAlert,
  pacs_unreachable: Server,
  pacs_recovered: Server,
  disk_low: HardDrive,
  security: ShieldAlert,
  study_held: CircleAlert,
};

/** What is said in the reader's language; the box's words say of what. */
const TITLES = new Set([
  "upload_complete",
  "upload_failed",
  "report_assigned",
  "report_ready",
  "additional_data_required",
  "pacs_unreachable",
  "pacs_recovered",
  "disk_low",
  "study_held",
  "security",
]);

export function NotificationRow({ notice }: { notice: Notification }) {
  const t = useT();
  const format = useFormat();
  const client = useQueryClient();
  const offline = useOffline();
  const again = { onSuccess: () => client.invalidateQueries({ queryKey: ["notifications"] }) };
  const read = useMutation({ mutationFn: (to: boolean) => setRead(notice.id, to), ...again });
  const drop = useMutation({ mutationFn: () => remove(notice.id), ...again });
  const Icon = ICONS[notice.notification_type] ?? BellDot;
  return (
    <li data-testid="notification" className={`flex flex-wrap items-start gap-x-3 p-3 ${notice.is_read ? "" : "bg-accent-soft"}`}>
      <Icon size={20} aria-hidden="true" className="mt-3 shrink-0 text-accent-strong" />
      <Link to={targetOf(notice)} onClick={() => !notice.is_read && read.mutate(true)} className="min-w-0 flex-1 basis-48 py-1">
        <span className={`block ${notice.is_read ? "" : "font-semibold"}`}>
          {!notice.is_read && <span className="sr-only">{t("report.new")}: </span>}
          <bdi>{TITLES.has(notice.notification_type) ? t(`notice.${notice.notification_type}`) : notice.title}</bdi>
        </span>
        <bdi className="block text-sm text-muted">{words(notice.message, t)}</bdi>
        <time dateTime={notice.created_at} className="text-xs text-muted">
          {format.moment(notice.created_at)}
        </time>
      </Link>
      <div className="ms-auto flex">
        <IconButton
          label={t(notice.is_read ? "notes.mark_unread" : "notes.mark_read")}
          disabled={offline}
          onClick={() => read.mutate(!notice.is_read)}
        >
          {notice.is_read ? <BellDot size={18} aria-hidden="true" /> : <MailOpen size={18} aria-hidden="true" />}
        </IconButton>
        <IconButton label={t("notes.delete")} disabled={offline} onClick={() => drop.mutate()}>
          <Trash2 size={18} aria-hidden="true" />
        </IconButton>
      </div>
    </li>
  );
}
