import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Notification } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useRemembered } from "@/api/useRemembered";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Page } from "@/ui/Page";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { notificationsQuery, readAll } from "./api";
import { NotificationRow } from "./NotificationRow";
import { PushCard } from "./PushCard";

/** What happened, by day. */
export function NotificationsPage() {
  const t = useT();
  const format = useFormat();
  const client = useQueryClient();
  const offline = useOffline();
  const [filter, setFilter] = useState<"all" | "unread">("all");
  const list = useInfiniteQuery(notificationsQuery(filter === "unread"));
  const fresh = list.data?.pages.flatMap(({ notifications }) => notifications);
  const { rows, asOf } = useRemembered<Notification>("notifications", fresh, list.error);
  const unread = list.data?.pages[0]?.unread_count ?? 0;
  const all = useMutation({ mutationFn: readAll, onSuccess: () => client.invalidateQueries({ queryKey: ["notifications"] }) });
  const title = t("notes.title");
  return (
    <Page
      title={title}
      documentTitle={title}
      narrow
      actions={
        <Button busy={all.isPending} disabled={offline || unread === 0} onClick={() => all.mutate()}>
          {t("notes.read_all")}
        </Button>
      }
    >
      <PushCard />
      <Choice
        label={t("notes.filter")}
        value={filter}
        onChange={setFilter}
        options={[
          { key: "all", label: t("filter.all") },
          { key: "unread", label: t("notes.unread"), count: unread },
        ]}
      />
      {all.error && <Trouble error={all.error} compact />}
      {asOf && <Banner tone="warn">{t("offline.as_of", { when: format.moment(new Date(asOf).toISOString()) })}</Banner>}
      {list.error && !asOf && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {!rows && !list.error && <Skeleton rows={6} />}
      {rows?.length === 0 && <Empty title={t(filter === "unread" ? "notes.none_unread" : "notes.empty")}>{t("notes.empty_text")}</Empty>}
      {rows && byDay(rows).map(([day, notices]) => <Day key={day} day={day} notices={notices} />)}
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()} className="self-center">
          {t("more")}
        </Button>
      )}
    </Page>
  );
}

function Day({ day, notices }: { day: string; notices: Notification[] }) {
  const format = useFormat();
  return (
    <section className="flex flex-col gap-2">
      <h2 className="text-sm font-semibold text-muted">{format.dicomDate(day)}</h2>
      <ul className="card divide-y divide-line overflow-hidden">
        {notices.map((notice) => (
          <NotificationRow key={notice.id} notice={notice} />
        ))}
      </ul>
    </section>
  );
}

/** Notifications by the viewer's calendar day, in the order given. */
export function byDay(notices: Notification[]): [day: string, notices: Notification[]][] {
  const days = new Map<string, Notification[]>();
  for (const notice of notices) {
    const at = new Date(notice.created_at);
    const day = `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
    const group = days.get(day);
    if (group) group.push(notice);
    else days.set(day, [notice]);
  }
  return [...days];
}
