import { useSyncExternalStore } from "react";
import { useJobs } from "@/features/upload/useUploads";
import { useT } from "@/i18n/useT";
import { onUpdate, takeUpdate, updateWaits } from "@/pwa/register";
import { Button } from "@/ui/Button";
import { Banner } from "@/ui/Status";

/** A newer page is there: said quietly, never while something is being sent. */
export function UpdateReady() {
  const t = useT();
  const waits = useSyncExternalStore(onUpdate, updateWaits);
  const busy = useJobs().some(({ state }) => state.kind === "sending" || state.kind === "completing");
  if (!waits || busy) return null;
  return (
    <aside aria-label={t("update.ready")} className="bg-page px-4 py-2">
      <Banner tone="info" action={<Button onClick={takeUpdate}>{t("update.take")}</Button>}>
        {t("update.ready")}
      </Banner>
    </aside>
  );
}
