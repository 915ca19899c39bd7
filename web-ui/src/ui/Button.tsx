import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent",
  plain: "bg-surface text-text border-edge hover:bg-sunken",
  quiet: "bg-transparent text-text border-transparent hover:bg-sunken",
  danger: "bg-surface text-bad border-bad hover:bg-bad-soft",
};

/** The classes of a button, for links that look like one. */
export const buttonClass = (look: Look = "plain") =>
  `inline-flex min-h-11 items-center justify-center gap-2 rounded-lg border px-4 py-2 text-base font-medium no-underline transition-colors sm:whitespace-nowrap duration-150 disabled:opacity-60 lg:pointer-fine:min-h-9 lg:pointer-fine:px-3 lg:pointer-fine:py-1 lg:pointer-fine:text-sm ${LOOKS[look]}`;

type Props = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; busy?: boolean; icon?: ReactNode; ref?: Ref<HTMLButtonElement> };

/** A button. `busy` keeps it from a second click and says so. */
export function Button({ look = "plain", busy = false, icon, children, className = "", type = "button", disabled, ...rest }: Props) {
  return (
    <button {...rest} type={type} disabled={disabled || busy} aria-busy={busy || undefined} className={`${buttonClass(look)} ${className}`}>
      {icon}
      {children}
    </button>
  );
}

/** A square button that shows only an icon; its name is for readers that do not see it. */
export function IconButton({
  label,
  children,
  className = "",
  type = "button",
  ...rest
}: Omit<Props, "look" | "busy" | "icon"> & { label: string }) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      className={`inline-flex size-11 shrink-0 items-center justify-center rounded-lg hover:bg-sunken disabled:opacity-60 lg:pointer-fine:size-9 ${className}`}
    >
      {children}
    </button>
  );
}
