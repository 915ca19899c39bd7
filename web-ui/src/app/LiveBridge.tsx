import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { unreadQuery } from "@/api/queries";
import type { Notification as BoxNotification, UploadStatus } from "@/api/types";
import { useLine, useServerEvents } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { showNotice } from "@/pwa/notices";
import { useErrorTracker } from "./useErrorTracker";

/** Which lists an event makes old. */
const STALE: Record<string, string[][]> = {
  study: [["studies"], ["study"], ["system"]],
  destination: [["destinations"], ["system"]],
  report: [["reports"], ["report"]],
  notification: [["notifications"]],
  upload: [["uploads"], ["stats"]],
  reset: [[]],
};

/** Brings what the box tells into the lists on the screen, at most once a second each. */
export function LiveBridge() {
  const client = useQueryClient();
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const line = useLine();
  const unread = useQuery(unreadQuery);
  useErrorTracker(useUser());

  const refresh = (key: string[]) => {
    const name = key.join("/");
    if (waiting.current.has(name)) return;
    const timer = setTimeout(() => {
      waiting.current.delete(name);
      void client.invalidateQueries({ queryKey: key });
    }, 1000);
    waiting.current.set(name, timer);
  };

  useServerEvents(({ event, data }) => {
    const body = parse(data);
    if (event === "unread_count") client.setQueryData(unreadQuery.queryKey, Number((body as { count?: number } | null)?.count ?? 0));
    if (event === "notification" && body) void showNotice(body as BoxNotification);
    if (event === "upload" && body)
      client.setQueryData(["upload", (body as UploadStatus).upload_id], (old: UploadStatus | undefined) => ({
        ...old,
        ...(body as UploadStatus),
      }));
    for (const key of STALE[event] ?? []) refresh(key);
  });

  useEffect(() => {
    const timers = waiting.current;
    return () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    };
  }, []);

  // Back after a break: what was missed may be more than the box replays.
  const was = useRef(line.state);
  useEffect(() => {
    if (line.state === "live" && was.current !== "live" && was.current !== "connecting") void client.invalidateQueries();
    was.current = line.state;
  }, [line.state, client]);

  useEffect(() => {
    if (!("setAppBadge" in navigator)) return;
    void (unread.data ? navigator.setAppBadge(unread.data) : navigator.clearAppBadge()).catch(() => undefined);
  }, [unread.data]);
  return null;
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
