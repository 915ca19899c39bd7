import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import type { Report } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { useToast } from "@/ui/Toasts";
import { downloadPdf } from "./api";

/** Saves the PDF; while it comes, says how much is here. */
export function DownloadButton({ report }: { report: Report }) {
  const t = useT();
  const format = useFormat();
  const toast = useToast();
  const offline = useOffline();
  const [share, setShare] = useState(0);
  const load = useMutation({
    mutationFn: () => downloadPdf(report.id, setShare),
    onError: () => toast(t("report.download_failed")),
    onSettled: () => setShare(0),
  });
  return (
    <Button
      icon={<Download size={16} aria-hidden="true" />}
      busy={load.isPending}
      disabled={offline || report.status !== "ready"}
      onClick={() => load.mutate()}
    >
      {load.isPending && share > 0 ? format.number(share, { style: "percent" }) : t("report.download")}
    </Button>
  );
}
