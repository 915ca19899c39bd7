import { useEffect, useRef } from "react";
import { useT } from "@/i18n/useT";
import { useAnnounce } from "@/ui/Announcer";
import type { JobView } from "./protocol";

const EVERY_MS = 30_000;

/** Says the start, each tenth or half a minute, and the end, once each. */
export function useAnnounceJob(job: JobView | undefined): void {
  const t = useT();
  const announce = useAnnounce();
  const last = useRef({ kind: "", tenth: -1, at: 0 });
  useEffect(() => {
    if (!job) return;
    const { kind } = job.state;
    const tenth = Math.floor((job.moved / Math.max(1, job.totalBytes)) * 10);
    const now = Date.now();
    const said = last.current;
    if (kind !== said.kind) announce(t(`say.${kind}`));
    else if (kind === "sending" && (tenth > said.tenth || now - said.at > EVERY_MS)) announce(t("say.percent", { percent: tenth * 10 }));
    else return;
    last.current = { kind, tenth, at: now };
  }, [job, t, announce]);
}
