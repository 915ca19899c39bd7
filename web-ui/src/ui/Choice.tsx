import type { ReactNode } from "react";

export type Option<K extends string> = { key: K; label: ReactNode; count?: number | undefined; countLabel?: string | undefined };

type Props<K extends string> = { label: string; options: readonly Option<K>[]; value: K; onChange: (key: K) => void };

/** One of a few: filters and periods. Each is a button, the chosen one pressed. */
export function Choice<K extends string>({ label, options, value, onChange }: Props<K>) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms; this filters a view
    <div role="group" aria-label={label} className="flex flex-wrap gap-0.5 rounded-xl bg-sunken p-1 sm:gap-1">
      {options.map((option) => (
        <button
          key={option.key}
          type="button"
          aria-pressed={option.key === value}
          onClick={() => onChange(option.key)}
          className={`inline-flex min-h-11 items-center gap-2 rounded-lg px-2 text-sm sm:px-3 font-medium lg:pointer-fine:min-h-8 ${option.key === value ? "bg-surface text-text shadow-sm ring-1 ring-edge" : "text-muted hover:text-text"}`}
        >
          {option.label}
          {option.count ? <Count n={option.count} label={option.countLabel} /> : null}
        </button>
      ))}
    </div>
  );
}

/** A small number; for readers it can have words. */
export function Count({ n, label }: { n: number; label?: string | undefined }) {
  return (
    <span className="inline-flex min-w-5 items-center justify-center rounded-full bg-accent px-1.5 text-xs font-bold text-on-accent">
      <span aria-hidden={label ? true : undefined}>{n > 99 ? "99+" : n}</span>
      {label && <span className="sr-only">{label}</span>}
    </span>
  );
}
