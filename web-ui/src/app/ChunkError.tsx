import { useEffect, useState } from "react";
import { useRouteError } from "react-router";
import { Unreachable } from "@/api/problem";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Trouble } from "@/ui/StateView";

const KEY = "relaypacs-reloaded";
const isMissing = (error: unknown) => error instanceof TypeError && /import|module|fetch/i.test(error.message);

/**
 * A page failed. One whose files cannot be had: the box is away, which is said; or an update replaced them, then it is loaded anew, once.
 * `framed`: the menu stands around it.
 */
export function ChunkError({ framed = false }: { framed?: boolean }) {
  const t = useT();
  const error = useRouteError();
  const missing = isMissing(error);
  const [away, setAway] = useState(false);
  useEffect(() => {
    if (!missing) return void dispatchEvent(new CustomEvent("relaypacs-error", { detail: error }));
    fetch("/healthz", { cache: "no-store" }).then(
      () => {
        if (sessionStorage.getItem(KEY) === location.pathname) return;
        sessionStorage.setItem(KEY, location.pathname);
        location.reload();
      },
      () => setAway(true),
    );
  }, [missing, error]);
  const Place = framed ? "div" : "main";
  return (
    <Place className="mx-auto flex max-w-xl flex-col gap-4 p-6">
      <h1 className="text-xl font-bold">{t(away ? "crash.away" : "crash.title")}</h1>
      <Trouble error={away ? new Unreachable() : error} />
      <Button look="primary" onClick={() => location.reload()}>
        {t("crash.reload")}
      </Button>
    </Place>
  );
}
