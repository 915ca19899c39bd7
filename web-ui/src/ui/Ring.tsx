import type { ReactNode } from "react";

const RADIUS = 70;
const LENGTH = 2 * Math.PI * RADIUS;

/** Progress as a ring; `value` is 0–100. */
export function Ring({
  value,
  label,
  children,
  tone = "accent",
}: {
  value: number;
  label: string;
  children?: ReactNode;
  tone?: "accent" | "ok" | "warn" | "bad";
}) {
  const stroke = { accent: "stroke-accent", ok: "stroke-ok", warn: "stroke-warn", bad: "stroke-bad" }[tone];
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(value)}
      className="relative size-44 shrink-0"
    >
      <svg viewBox="0 0 160 160" className="size-full -rotate-90" aria-hidden="true">
        <circle cx="80" cy="80" r={RADIUS} fill="none" strokeWidth="12" className="stroke-sunken" />
        <circle
          cx="80"
          cy="80"
          r={RADIUS}
          fill="none"
          strokeWidth="12"
          strokeLinecap="round"
          strokeDasharray={LENGTH}
          strokeDashoffset={LENGTH * (1 - Math.min(100, Math.max(0, value)) / 100)}
          className={stroke}
        />
      </svg>
      <div className="absolute inset-0 flex flex-col items-center justify-center text-center">{children}</div>
    </div>
  );
}

/** Progress as a bar, for rows. `label` names it; without one it is only to be looked at. */
export function Bar({ value, label, tone = "accent" }: { value: number; label?: string; tone?: "accent" | "ok" | "bad" }) {
  const fill = { accent: "bg-accent", ok: "bg-ok", bad: "bg-bad" }[tone];
  const width = Math.min(100, Math.max(0, value));
  const named = label
    ? { role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.floor(width) }
    : { "aria-hidden": true };
  return (
    <div {...named} className="h-1.5 w-full overflow-hidden rounded-full bg-sunken">
      <div className={`h-full rounded-full ${fill}`} style={{ width: `${width}%` }} />
    </div>
  );
}
