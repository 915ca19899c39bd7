import { useEffect } from "react";
import { useRouteError } from "react-router";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Trouble } from "@/ui/StateView";

const KEY = "relaypacs-reloaded";
const isStale = (error: unknown) => error instanceof TypeError && /import|module|fetch/i.test(error.message);

/** A page failed. One whose files an update replaced is loaded anew, once. */
export function ChunkError() {
  const t = useT();
  const error = useRouteError();
  const stale = isStale(error);
  useEffect(() => {
    if (!stale || sessionStorage.getItem(KEY) === location.pathname) return;
    sessionStorage.setItem(KEY, location.pathname);
    location.reload();
  }, [stale]);
  useEffect(() => {
    if (!stale) dispatchEvent(new CustomEvent("relaypacs-error", { detail: error }));
  }, [error, stale]);
  return (
    <main className="mx-auto flex max-w-xl flex-col gap-4 p-6">
      <h1 className="text-xl font-bold">{t("crash.title")}</h1>
      <Trouble error={error} />
      <Button look="primary" onClick={() => location.reload()}>
        {t("crash.reload")}
      </Button>
    </main>
  );
}
