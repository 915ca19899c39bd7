import { type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";

type Frame = { label: ReactNode; hint?: ReactNode | undefined; error?: string | undefined; id?: string; badge?: ReactNode };

function FieldFrame({ label, hint, error, id, badge, children }: Frame & { id: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1">
      <div className="flex items-baseline justify-between gap-2">
        <label htmlFor={id} className="text-sm font-medium text-text">
          {label}
        </label>
        {badge}
      </div>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="text-sm text-bad" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

const described = (id: string, hint: unknown, error: unknown) =>
  [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined;

type InputProps = Frame & Omit<InputHTMLAttributes<HTMLInputElement>, "id"> & { ref?: Ref<HTMLInputElement>; end?: ReactNode };

export function TextField({ label, hint, error, id, badge, end, className = "", ...rest }: InputProps) {
  const own = useId();
  const name = id ?? own;
  return (
    <FieldFrame label={label} hint={hint} error={error} id={name} badge={badge}>
      <div className="relative">
        <input
          {...rest}
          id={name}
          aria-invalid={error ? true : undefined}
          aria-describedby={described(name, hint, error)}
          className={`control ${end ? "pe-12" : ""} ${className}`}
        />
        {end && <div className="absolute inset-y-0 end-0 flex items-center">{end}</div>}
      </div>
    </FieldFrame>
  );
}

type SelectProps = Frame & Omit<SelectHTMLAttributes<HTMLSelectElement>, "id"> & { ref?: Ref<HTMLSelectElement> };

export function SelectField({ label, hint, error, id, badge, children, className = "", ...rest }: SelectProps) {
  const own = useId();
  const name = id ?? own;
  return (
    <FieldFrame label={label} hint={hint} error={error} id={name} badge={badge}>
      <select
        {...rest}
        id={name}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(name, hint, error)}
        className={`control ${className}`}
      >
        {children}
      </select>
    </FieldFrame>
  );
}

type AreaProps = Frame & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "id"> & { ref?: Ref<HTMLTextAreaElement> };

export function AreaField({ label, hint, error, id, badge, className = "", ...rest }: AreaProps) {
  const own = useId();
  const name = id ?? own;
  return (
    <FieldFrame label={label} hint={hint} error={error} id={name} badge={badge}>
      <textarea
        {...rest}
        id={name}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(name, hint, error)}
        className={`control min-h-24 ${className}`}
      />
    </FieldFrame>
  );
}

type CheckProps = Omit<InputHTMLAttributes<HTMLInputElement>, "type"> & { label: ReactNode; ref?: Ref<HTMLInputElement> };

export function CheckField({ label, className = "", ...rest }: CheckProps) {
  return (
    <label className={`flex min-h-11 items-center gap-3 text-base lg:pointer-fine:min-h-8 lg:pointer-fine:text-sm ${className}`}>
      <input {...rest} type="checkbox" className="size-5 shrink-0 accent-accent" />
      <span>{label}</span>
    </label>
  );
}
