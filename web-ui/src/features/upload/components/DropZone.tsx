import { FolderUp } from "lucide-react";
import { type DragEvent, useEffect, useEffectEvent, useRef, useState } from "react";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import type { Draft } from "@/store/draft";
import { Button } from "@/ui/Button";
import { Choice } from "@/ui/Choice";
import { Bar } from "@/ui/Ring";
import { Banner } from "@/ui/Status";
import { type Choosing, useChoose } from "../useChoose";

type Props = { done: (draft: Draft) => void; zoneTestid?: string; inputTestid?: string };

/** Where files are chosen: dropped anywhere on the page, or picked. */
export function DropZone({ done, zoneTestid, inputTestid }: Props) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [mode, setMode] = useState<"files" | "folder">("files");
  const { state, picked, dropped } = useChoose(done);
  const over = useDropAnywhere((data) => void dropped(data));
  const busy = state.kind === "finding" || state.kind === "working";
  const browse = () => {
    if (!input.current) return;
    input.current.webkitdirectory = mode === "folder";
    input.current.click();
  };
  return (
    <div
      data-testid={zoneTestid}
      className={`flex flex-col items-center gap-4 rounded-2xl border-2 border-dashed px-4 py-10 text-center transition-colors ${over ? "border-accent bg-accent-soft" : "border-edge bg-surface"}`}
    >
      <FolderUp size={44} aria-hidden="true" className="text-accent" />
      <div>
        <p className="text-lg font-semibold">{t("choose.drop")}</p>
        <p className="text-sm text-muted">{t("choose.kinds")}</p>
      </div>
      <div className="flex flex-wrap items-center justify-center gap-3">
        <Choice
          label={t("choose.what")}
          value={mode}
          onChange={setMode}
          options={[
            { key: "files", label: t("choose.files") },
            { key: "folder", label: t("choose.folder") },
          ]}
        />
        <Button look="primary" onClick={browse} disabled={busy}>
          {t("choose.browse")}
        </Button>
      </div>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid={inputTestid}
        onChange={({ target }) => {
          void picked(target.files);
          target.value = "";
        }}
      />
      <Progress state={state} />
    </div>
  );
}

function Progress({ state }: { state: Choosing }) {
  const t = useT();
  const format = useFormat();
  if (state.kind === "finding") return <p role="status">{t("choose.found", { n: state.found, shown: format.number(state.found) })}</p>;
  if (state.kind === "working") {
    return (
      <div className="flex w-full max-w-md flex-col gap-2" role="status">
        <p>{t("choose.reading", { n: state.total, done: format.number(state.done), total: format.number(state.total) })}</p>
        <Bar value={(state.done / Math.max(1, state.total)) * 100} />
      </div>
    );
  }
  if (state.kind === "nothing") return <Nothing ignored={state.ignored} />;
  if (state.kind === "failed") {
    return (
      <Banner tone="bad" role="alert">
        {t(state.full ? "choose.full" : "choose.failed")}
      </Banner>
    );
  }
  return null;
}

function Nothing({ ignored }: { ignored: Draft["ignored"] }) {
  const t = useT();
  const first = ignored[0];
  if (!first) return null;
  return (
    <Banner tone="bad" role="alert">
      <p>
        <bdi>{first.name}</bdi> {t("choose.not_dicom")}
      </p>
      {ignored.length > 1 && <p>{t("choose.others", { n: ignored.length - 1 })}</p>}
    </Banner>
  );
}

/** Files may be let go anywhere on the page. */
function useDropAnywhere(drop: (data: DataTransfer) => void): boolean {
  const [over, setOver] = useState(false);
  const onDrop = useEffectEvent(drop);
  useEffect(() => {
    let depth = 0;
    const isFiles = (event: Event) => (event as unknown as DragEvent).dataTransfer?.types.includes("Files");
    const enter = (event: Event) => {
      if (!isFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const allow = (event: Event) => isFiles(event) && event.preventDefault();
    const take = (event: Event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const { dataTransfer } = event as unknown as DragEvent;
      if (dataTransfer) onDrop(dataTransfer);
    };
    const handlers = { dragenter: enter, dragleave: leave, dragover: allow, drop: take };
    for (const [name, handler] of Object.entries(handlers)) addEventListener(name, handler);
    return () => {
      for (const [name, handler] of Object.entries(handlers)) removeEventListener(name, handler);
    };
  }, []);
  return over;
}
