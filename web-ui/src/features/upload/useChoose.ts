import { useState } from "react";
import { useUser } from "@/api/useSession";
import type { Draft } from "@/store/draft";
import { type ChooseProgress, choose } from "./choose";
import { fromDrop, fromInput, type Picked } from "./collect";
import { useUploads } from "./useUploads";

export type Choosing =
  | { kind: "idle" }
  | { kind: "finding"; found: number }
  | ({ kind: "working" } & ChooseProgress)
  | { kind: "nothing"; ignored: Draft["ignored"] }
  | { kind: "failed"; full: boolean };

/** From a drop or a picker to a stored draft. */
export function useChoose(done: (draft: Draft) => void) {
  const user = useUser();
  const uploads = useUploads();
  const [state, setState] = useState<Choosing>({ kind: "idle" });

  const take = async (picked: Picked[]) => {
    if (picked.length === 0) return setState({ kind: "idle" });
    setState({ kind: "working", done: 0, total: picked.length });
    try {
      const level = user.preferences?.default_service_level ?? "routine";
      const result = await choose(picked, uploads, user.id, level, (progress) => setState({ kind: "working", ...progress }));
      if (result.kind === "nothing") return setState(result);
      setState({ kind: "idle" });
      done(result.draft);
    } catch (error) {
      setState({ kind: "failed", full: error instanceof DOMException && error.name === "QuotaExceededError" });
    }
  };

  return {
    state,
    picked: (list: FileList | null) => take(fromInput(list)),
    dropped: async (data: DataTransfer) => {
      setState({ kind: "finding", found: 0 });
      await take(await fromDrop(data, (found) => setState({ kind: "finding", found })));
    },
  };
}
