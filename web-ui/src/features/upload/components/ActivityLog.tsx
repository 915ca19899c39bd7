import { useSyncExternalStore } from "react";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { useUploads } from "../useUploads";

/** What happened to a job, newest first. */
export function ActivityLog({ jobId }: { jobId: string }) {
  const t = useT();
  const format = useFormat();
  const uploads = useUploads();
  const log = useSyncExternalStore(uploads.subscribe, () => uploads.log(jobId));
  return (
    <section className="card flex flex-col gap-2 p-5">
      <h2 className="text-lg font-semibold">{t("progress.log")}</h2>
      {log.length === 0 && <p className="text-sm text-muted">{t("progress.log_empty")}</p>}
      <ol className="flex flex-col gap-1 text-sm">
        {log
          .slice(-50)
          .toReversed()
          .map(({ at, id, values }, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two entries may be equal in all they say
            <li key={`${at}${id}${place}`} className="flex gap-3">
              <time dateTime={new Date(at).toISOString()} className="shrink-0 text-muted">
                {format.moment(new Date(at).toISOString(), "time")}
              </time>
              <span>{t(id, values && "bytes" in values ? { ...values, bytes: format.bytes(Number(values.bytes)) } : values)}</span>
            </li>
          ))}
      </ol>
    </section>
  );
}
