import { useSyncExternalStore } from "react";
import { useJobs } from "@/features/upload/useUploads";
import { useT } from "@/i18n/useT";
import { install, mayHint, onInstall, refuse } from "@/pwa/install";
import { Button } from "@/ui/Button";
import { Banner } from "@/ui/Status";

/** After the first receipt: the page can be an app. */
export function InstallHint() {
  const t = useT();
  const may = useSyncExternalStore(onInstall, mayHint);
  const sent = useJobs().some(({ state }) => state.kind === "done");
  const dashboard = location.pathname.startsWith("/dashboard");
  if (!may || !sent || dashboard) return null;
  return (
    <aside aria-label={t("device.install")} className="bg-page px-4 py-2">
      <Banner
        tone="info"
        action={
          <>
            <Button onClick={refuse}>{t("install.later")}</Button>
            <Button onClick={() => void install()}>{t("device.install")}</Button>
          </>
        }
      >
        {t("install.hint")}
      </Banner>
    </aside>
  );
}
