import { useParams } from "react-router";
import { useT } from "@/i18n/useT";
import { Page } from "@/ui/Page";
import { ReceiptView } from "./components/ReceiptView";
import { useJobs } from "./useUploads";

/** The link of a receipt: what the box knows of an upload, on any device of its owner. */
export function CompletePage() {
  const t = useT();
  const { id = "" } = useParams();
  const job = useJobs().find(({ uploadId }) => uploadId === id);
  const title = t("complete.title");
  return (
    <Page title={title} documentTitle={title} narrow>
      <ReceiptView uploadId={id} receipt={job?.state.kind === "done" ? job.state.receipt : null} />
    </Page>
  );
}
