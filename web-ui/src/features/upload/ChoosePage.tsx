import { useNavigate } from "react-router";
import { useOffline } from "@/api/useLive";
import { useT } from "@/i18n/useT";
import { Page } from "@/ui/Page";
import { Banner } from "@/ui/Status";
import { DropZone } from "./components/DropZone";
import { Unfinished } from "./components/Unfinished";

/** The start: choose files, or go on with what was begun. */
export function ChoosePage() {
  const t = useT();
  const navigate = useNavigate();
  const offline = useOffline();
  return (
    <Page title={t("choose.title")} testid="upload-study-heading" documentTitle={t("choose.title")} lead={t("choose.lead")} narrow>
      {offline && <Banner tone="warn">{t("choose.offline")}</Banner>}
      <DropZone done={(draft) => void navigate(draft.studies.length === 1 ? `/metadata/${draft.id}` : `/upload-new/${draft.id}`)} />
      <Unfinished />
    </Page>
  );
}
