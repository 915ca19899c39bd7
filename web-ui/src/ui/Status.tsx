import { CircleAlert, CircleCheck, CircleDashed, CircleX, Info, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

export type Tone = "ok" | "warn" | "bad" | "info" | "calm";

const TONES: Record<Tone, { classes: string; Icon: LucideIcon }> = {
  ok: { classes: "bg-ok-soft text-ok", Icon: CircleCheck },
  warn: { classes: "bg-warn-soft text-warn", Icon: CircleAlert },
  bad: { classes: "bg-bad-soft text-bad", Icon: CircleX },
  info: { classes: "bg-accent-soft text-accent-strong", Icon: CircleDashed },
  calm: { classes: "bg-sunken text-muted", Icon: CircleDashed },
};

/** A state in a word: colour never speaks alone. */
export function Status({ tone, children, testid }: { tone: Tone; children: ReactNode; testid?: string }) {
  const { classes, Icon } = TONES[tone];
  return (
    <span
      data-testid={testid}
      className={`inline-flex w-fit items-center gap-1 rounded-full px-2 py-0.5 text-xs font-semibold lg:whitespace-nowrap ${classes}`}
    >
      <Icon size={14} aria-hidden="true" className="shrink-0" />
      <span>{children}</span>
    </span>
  );
}

/** A message over the full width: what happened and what to do. */
export function Banner({
  tone,
  children,
  action,
  role,
  testid,
}: {
  tone: Tone;
  children: ReactNode;
  action?: ReactNode;
  role?: "status" | "alert";
  testid?: string;
}) {
  const { classes, Icon } = TONES[tone];
  const Sign = tone === "info" || tone === "calm" ? Info : Icon;
  return (
    <div role={role} data-testid={testid} className={`flex flex-wrap items-center gap-3 rounded-xl px-4 py-3 text-sm ${classes}`}>
      <div className="flex min-w-0 flex-1 basis-60 items-center gap-3">
        <Sign size={20} aria-hidden="true" className="shrink-0" />
        <div className="min-w-0 flex-1">{children}</div>
      </div>
      {action}
    </div>
  );
}
