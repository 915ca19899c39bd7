import { useQuery } from "@tanstack/react-query";
import { CloudOff, Radio, RefreshCw, Server, TriangleAlert } from "lucide-react";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { systemQuery } from "@/api/queries";
import { useLine } from "@/api/useLive";
import { useJobs } from "@/features/upload/useUploads";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";

/** A short break of the line is not worth a word. */
const QUIET_MS = 2000;

/** Always: connected? how old is what stands here? PACS reachable? anything held? */
export function StatusBar() {
  return (
    <div className="flex flex-wrap items-center gap-x-5 gap-y-0.5 border-b border-line bg-surface px-4 py-1 text-xs sm:px-6">
      <LineStatus />
      <PacsStatus />
      <Sending />
    </div>
  );
}

function useSettled<T>(value: T, ms: number, atOnce: (value: T) => boolean): T {
  const [settled, setSettled] = useState(value);
  const now = atOnce(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), now ? 0 : ms);
    return () => clearTimeout(timer);
  }, [value, ms, now]);
  return settled;
}

function LineStatus() {
  const t = useT();
  const format = useFormat();
  const line = useLine();
  const state = useSettled(line.state, QUIET_MS, (value) => value === "live" || value === "offline");
  const offline = state === "offline";
  const since = line.heardAt > 0 ? new Date(line.heardAt).toISOString() : null;
  const Icon = offline ? CloudOff : state === "reconnecting" ? RefreshCw : Radio;
  const tone = offline ? "text-bad" : state === "reconnecting" ? "text-warn" : "text-ok";
  return (
    <span
      role="status"
      aria-label={t(offline ? "line.system_offline" : "line.system_online")}
      className={`flex items-center gap-1 font-semibold ${tone}`}
    >
      <Icon size={14} aria-hidden="true" />
      {t(`line.${state}`)}
      {state !== "live" && state !== "connecting" && since && (
        <span className="font-normal">· {t("line.data_of", { time: format.moment(since, "time") })}</span>
      )}
    </span>
  );
}

function PacsStatus() {
  const t = useT();
  const format = useFormat();
  const system = useQuery(systemQuery);
  if (!system.data) return null;
  const { destinations, queue } = system.data;
  const down = destinations.filter(({ state }) => state === "down");
  const held = queue?.held ?? 0;
  return (
    <>
      {destinations.length === 0 ? (
        <Link to="/admin/destinations" className="flex items-center gap-1 text-warn underline">
          <TriangleAlert size={14} aria-hidden="true" /> {t("pacs.none")}
        </Link>
      ) : (
        <span className={`flex items-center gap-1 ${down.length ? "font-semibold text-bad" : "text-muted"}`}>
          <Server size={14} aria-hidden="true" />
          {down.length ? t("pacs.down", { names: format.list(down.map(({ name }) => name)) }) : t("pacs.up")}
        </span>
      )}
      {held > 0 && (
        <Link to="/studies?state=held" className="flex items-center gap-1 font-semibold text-warn underline">
          <TriangleAlert size={14} aria-hidden="true" /> {t("pacs.held", { n: held })}
        </Link>
      )}
    </>
  );
}

function Sending() {
  const t = useT();
  const jobs = useJobs().filter(({ state }) => ["sending", "waiting", "queued", "completing"].includes(state.kind));
  const first = jobs[0];
  if (!first) return null;
  const total = jobs.reduce((sum, job) => sum + job.totalBytes, 0);
  const moved = jobs.reduce((sum, job) => sum + job.moved, 0);
  return (
    <Link to={`/progress/${first.id}`} className="text-muted underline lg:ms-auto">
      {t("sending.short", { n: jobs.length, percent: total ? Math.floor((moved / total) * 100) : 0 })}
    </Link>
  );
}
