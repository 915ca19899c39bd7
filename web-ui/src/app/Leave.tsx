import { useState } from "react";
import { lock, signOut } from "@/api/session";
import type { User } from "@/api/types";
import { useUser } from "@/api/useSession";
import { useUploads } from "@/features/upload/useUploads";
import { useT } from "@/i18n/useT";
import { wipe } from "@/store/db";
import { listDrafts } from "@/store/draft";
import { isOver } from "@/store/job";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";

/** Signs out at once where nothing is unfinished; else `ask` decides. */
export function useLeave(ask: () => void): () => void {
  const user = useUser();
  const uploads = useUploads();
  return async () => {
    const drafts = await listDrafts(user.id).catch(() => []);
    if (uploads.jobs.some((job) => !isOver(job.state)) || drafts.length > 0) return ask();
    await leaveForGood(user.id);
  };
}

async function leaveForGood(userId: string): Promise<void> {
  await wipe(userId).catch(() => undefined);
  await signOut();
  announce();
}

/** Other tabs of this browser follow. */
const announce = () => {
  const channel = new BroadcastChannel("relaypacs-session");
  channel.postMessage("changed");
  channel.close();
};

export async function lockHere(): Promise<void> {
  await lock();
  announce();
}

/** Unfinished uploads would be lost: lock, discard, or stay. */
export function LeaveDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useT();
  const uploads = useUploads();
  const [busy, setBusy] = useState(false);
  const unfinished = uploads.jobs.filter((job) => !isOver(job.state));
  const discard = async () => {
    setBusy(true);
    for (const job of unfinished) uploads.command({ type: "cancel", jobId: job.id });
    await leaveForGood(user.id);
  };
  return (
    <Dialog
      title={t("leave.title")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("leave.stay")}</Button>
          <Button look="danger" busy={busy} onClick={() => void discard()}>
            {t("leave.discard", { n: Math.max(1, unfinished.length) })}
          </Button>
          <Button look="primary" onClick={() => void lockHere()}>
            {t("leave.lock")}
          </Button>
        </>
      }
    >
      <p>{t("leave.text")}</p>
    </Dialog>
  );
}
