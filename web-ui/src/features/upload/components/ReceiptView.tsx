import { useQuery } from "@tanstack/react-query";
import { Check, LoaderCircle } from "lucide-react";
import { Link } from "react-router";
import { uploadStatusQuery } from "@/api/queries";
import type { UploadStatus } from "@/api/types";
import { useLine } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { listJobs, type Receipt } from "@/store/job";
import { buttonClass } from "@/ui/Button";
import { Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { FileError } from "./FileError";

type PacsStatus = UploadStatus["pacs_status"];

/** Which of received → checked → sent → accepted is reached. Green only for what is proven. */
export function stepsOf(state: string, pacs: PacsStatus | undefined): { id: string; reached: boolean }[] {
  const complete = state === "complete";
  return [
    { id: "received", reached: ["processing", "complete"].includes(state) },
    { id: "checked", reached: complete },
    { id: "sent", reached: complete && (pacs === "forwarding" || pacs === "delivered") },
    { id: "accepted", reached: complete && pacs === "delivered" },
  ];
}

/** What became of an upload; stays true while the page is open. `link`: also the address under which it stays. */
export function ReceiptView({ uploadId, receipt, link = false }: { uploadId: string; receipt: Receipt | null; link?: boolean }) {
  const t = useT();
  const format = useFormat();
  const { state: line } = useLine();
  const status = useQuery({
    ...uploadStatusQuery(uploadId),
    refetchInterval: ({ state: { data } }) =>
      data?.pacs_status === "delivered" || data?.pacs_status === "failed" ? false : line === "live" ? 10_000 : 2000,
  });
  const pacs = status.data?.pacs_status;
  const state = status.data?.state ?? (receipt ? "complete" : "pending");
  const failed = receipt?.status === "failed" || state === "failed";
  return (
    <div className="flex flex-col gap-4">
      <Banner tone={failed ? "bad" : pacs === "delivered" ? "ok" : "info"} testid="upload-complete-banner">
        <p data-testid="upload-success-message" className="text-lg font-semibold">
          {t(failed ? "receipt.failed" : receipt?.status === "partial_success" ? "receipt.partial" : "receipt.success")}
        </p>
        <p data-testid="pacs-status-message">
          {t(failed ? "receipt.nothing" : pacs === "delivered" ? "receipt.secured" : `receipt.pacs_${pacs ?? "queued"}`)}
        </p>
      </Banner>
      {!failed && <Steps state={state} pacs={pacs} />}
      {status.error && <Trouble error={status.error} retry={() => void status.refetch()} compact />}
      {receipt && receipt.files.length > 0 && <Judged uploadId={uploadId} receipt={receipt} />}
      <div className="flex flex-wrap gap-2">
        <Link to="/" role="button" className={buttonClass("primary")}>
          {t("receipt.new")}
        </Link>
        {receipt?.reportId && (
          <Link to={`/reports/${receipt.reportId}`} className={buttonClass()}>
            {t("receipt.report")}
          </Link>
        )}
        {status.data?.study_instance_uids?.slice(0, 3).map((uid, place, { length }) => (
          <Link key={uid} to={`/studies/${uid}`} className={buttonClass()}>
            {t("receipt.follow")} {length > 1 && format.number(place + 1)}
          </Link>
        ))}
        {link && (
          <Link to={`/complete/${uploadId}`} data-testid="receipt-link" className={buttonClass("quiet")}>
            {t("receipt.link")}
          </Link>
        )}
      </div>
    </div>
  );
}

function Steps({ state, pacs }: { state: string; pacs: PacsStatus | undefined }) {
  const t = useT();
  return (
    <ol className="flex flex-wrap gap-x-6 gap-y-2 text-sm">
      {stepsOf(state, pacs).map(({ id, reached }) => (
        <li key={id} className={`flex items-center gap-2 ${reached ? "font-semibold text-ok" : "text-muted"}`}>
          {reached ? <Check size={18} aria-hidden="true" /> : <LoaderCircle size={18} aria-hidden="true" />}
          {t(`step.${id}`)}
          <span className="sr-only">{t(reached ? "step.reached" : "step.open")}</span>
        </li>
      ))}
    </ol>
  );
}

function Judged({ uploadId, receipt }: { uploadId: string; receipt: Receipt }) {
  const t = useT();
  const names = useFileNames(uploadId);
  return (
    <details className="card p-4 text-sm" open={receipt.failed > 0 || receipt.status === "failed"}>
      <summary className="font-medium">{t("receipt.judged", { n: receipt.files.length })}</summary>
      <ul className="mt-2 max-h-60 overflow-y-auto">
        {receipt.files.map((file) => (
          <li key={file.file_id} className="flex justify-between gap-3 border-t border-line py-1">
            <bdi className="min-w-0">{names.get(file.file_id) ?? file.file_id}</bdi>
            <span className="text-muted">{file.error ? <FileError error={file.error} /> : t(`judged.${file.status}`)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The files as they were named where they were chosen; the box knows only their ids. */
function useFileNames(uploadId: string): ReadonlyMap<string, string> {
  const user = useUser();
  const { data } = useQuery({
    queryKey: ["file-names", user.id, uploadId],
    queryFn: async () => {
      const job = (await listJobs(user.id)).find(({ upload }) => upload?.id === uploadId);
      return new Map(job?.files.map(({ fileId, name }) => [fileId, name]));
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data ?? NO_NAMES;
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();
