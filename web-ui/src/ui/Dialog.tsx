import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useT } from "@/i18n/useT";
import { Button, IconButton } from "./Button";

type Props = { title: string; onClose: () => void; children: ReactNode; actions?: ReactNode; wide?: boolean };

/** The browser's own modal dialog: focus stays inside, Escape closes, focus returns to where it was. Rendered means open. */
export function Dialog({ title, onClose, children, actions, wide = false }: Props) {
  const t = useT();
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      className={`card max-h-[90dvh] w-[calc(100%-2rem)] overflow-y-auto p-0 ${wide ? "max-w-3xl" : "max-w-lg"}`}
    >
      <div className="sticky top-0 flex items-center justify-between gap-4 border-b border-line bg-surface px-5 py-2">
        <h2 id={heading} className="text-lg font-semibold">
          {title}
        </h2>
        <IconButton label={t("close")} onClick={onClose}>
          <X size={20} aria-hidden="true" />
        </IconButton>
      </div>
      <div className="flex flex-col gap-4 px-5 py-4">{children}</div>
      {actions && (
        <div className="sticky bottom-0 flex flex-wrap justify-end gap-2 border-t border-line bg-surface px-5 py-3">{actions}</div>
      )}
    </dialog>
  );
}

type AskProps = {
  title: string;
  children: ReactNode;
  confirm: string;
  busy?: boolean;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  error?: ReactNode;
};

/** Asks once before something that cannot be undone; the object stands in the text. */
export function Ask({ title, children, confirm, busy = false, danger = true, onConfirm, onClose, error }: AskProps) {
  const t = useT();
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button look={danger ? "danger" : "primary"} busy={busy} onClick={onConfirm}>
            {confirm}
          </Button>
        </>
      }
    >
      {children}
      {error}
    </Dialog>
  );
}
