import { CircleAlert, CircleCheck, CircleDashed, LoaderCircle } from "lucide-react";
import { memo, useEffect, useState, useSyncExternalStore } from "react";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Bar } from "@/ui/Ring";
import type { FileRow } from "../uploads";
import { useUploads } from "../useUploads";
import { FileError } from "./FileError";

/** Rows at first, and more each time the end of the list is asked for: thousands at once would hold the page up. */
const STEP = 50;

/** Failed first, then what moves, then what waits, then what is done. */
const rank = ({ done, size, error }: FileRow) => (error ? 0 : done > 0 && done < size ? 1 : done === 0 ? 2 : 3);

/** The places of the first so many rows by rank, without sorting them all. */
function firstOf(files: FileRow[], count: number): number[] {
  const ranks: number[][] = [[], [], [], []];
  files.forEach((row, place) => {
    const same = ranks[rank(row)] as number[];
    if (same.length < count) same.push(place);
  });
  return ranks.flat().slice(0, count);
}

/** Every file of a job and how far it is. */
export function FileQueue({ jobId }: { jobId: string }) {
  const t = useT();
  const uploads = useUploads();
  const [count, setCount] = useState(STEP);
  useEffect(() => uploads.command({ type: "watch", jobId }), [uploads, jobId]);
  const files = useSyncExternalStore(uploads.subscribe, () => uploads.files(jobId));
  return (
    <section className="card flex flex-col gap-2 p-5">
      <h2 className="text-lg font-semibold">{t("progress.queue")}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by keyboard */}
      <ul className="max-h-96 overflow-y-auto" tabIndex={0} aria-label={t("progress.queue")}>
        {firstOf(files, count).map((place) => (
          <Row key={place} row={files[place] as FileRow} />
        ))}
      </ul>
      {files.length > count && (
        <Button onClick={() => setCount(count + STEP)}>{t("progress.show_more", { n: files.length - count })}</Button>
      )}
    </section>
  );
}

const Row = memo(function Row({ row }: { row: FileRow }) {
  const t = useT();
  const format = useFormat();
  const state = row.error ? "failed" : row.done >= row.size ? "done" : row.done > 0 ? "moving" : "waits";
  const Icon = { failed: CircleAlert, done: CircleCheck, moving: LoaderCircle, waits: CircleDashed }[state];
  const tone = { failed: "text-bad", done: "text-ok", moving: "text-accent", waits: "text-muted" }[state];
  return (
    <li className="flex items-center gap-3 border-t border-line py-2 text-sm [contain-intrinsic-size:auto_3rem] [content-visibility:auto]">
      <Icon size={18} aria-label={t(`file.${state}`)} role="img" className={`shrink-0 ${tone}`} />
      <div className="min-w-0 flex-1">
        <div className="flex justify-between gap-3">
          <bdi className="truncate">{row.name}</bdi>
          <span className="shrink-0 text-muted">{format.bytes(row.size)}</span>
        </div>
        {row.error && (
          <p className="text-bad">
            <FileError error={row.error} />
          </p>
        )}
        {state === "moving" && <Bar value={(row.done / row.size) * 100} />}
      </div>
    </li>
  );
});
