import { useEffect, useState } from "react";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Bar } from "@/ui/Ring";
import { Banner } from "@/ui/Status";
import { copyLock } from "../protocol";
import { useCopy } from "../useUploads";

/** Whether what was chosen is in this browser's store: may the medium be ejected, may the tab be closed? `stored`: it was when last seen. */
export function CopyNote({ owner, stored }: { owner: string; stored: boolean }) {
  const t = useT();
  const format = useFormat();
  const copy = useCopy(owner);
  const tight = useTightStorage();
  const elsewhere = useCopiedElsewhere(owner, !stored && !copy);
  if (copy?.state === "copying")
    return (
      <Banner tone="info" role="status">
        <p className="mb-2">{t("choose.storing", { done: format.number(copy.done), total: format.number(copy.total) })}</p>
        <Bar value={(copy.done / Math.max(1, copy.total)) * 100} />
      </Banner>
    );
  if (copy?.state === "full" || (tight && (stored || copy))) return <Banner tone="warn">{t("draft.tight")}</Banner>;
  if (stored || copy) return <Banner tone="ok">{t("draft.stored")}</Banner>;
  if (elsewhere === null) return null;
  return <Banner tone={elsewhere ? "info" : "warn"}>{t(elsewhere ? "draft.elsewhere" : "draft.lost")}</Banner>;
}

/** Whether another tab still copies; null while that is not known. */
function useCopiedElsewhere(owner: string, ask: boolean): boolean | null {
  const [held, setHeld] = useState<boolean | null>(null);
  useEffect(() => {
    if (!ask) return;
    let gone = false;
    void navigator.locks.query().then((locks) => {
      if (!gone) setHeld(locks.held?.some(({ name }) => name === copyLock(owner)) ?? false);
    });
    return () => {
      gone = true;
    };
  }, [owner, ask]);
  return held;
}

/** Over 80 % of what the browser gives: the bytes may not survive. */
function useTightStorage(): boolean {
  const [tight, setTight] = useState(false);
  useEffect(() => {
    void navigator.storage?.estimate?.().then(({ usage = 0, quota = 0 }) => setTight(quota > 0 && usage > quota * 0.8));
  }, []);
  return tight;
}
