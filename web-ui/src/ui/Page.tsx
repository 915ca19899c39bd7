import { type ReactNode, useEffect, useRef } from "react";

type Props = {
  title: ReactNode;
  testid?: string;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  documentTitle: string;
  narrow?: boolean;
};

/** A page: its heading takes the focus when one comes to it, so that readers begin at the top. */
export function Page({ title, testid, lead, actions, children, documentTitle, narrow = false }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${documentTitle} · RelayPACS`;
  }, [documentTitle]);
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.tagName === "A")
      heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className={`mx-auto flex w-full flex-col gap-5 px-4 py-5 sm:px-6 ${narrow ? "max-w-3xl" : "max-w-7xl"}`}>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1 ref={heading} tabIndex={-1} data-testid={testid} className="text-xl font-bold outline-none">
            {title}
          </h1>
          {lead && <p className="text-sm text-muted">{lead}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** A part of a page with its own heading. */
export function Section({ title, actions, children, id }: { title: string; actions?: ReactNode; children: ReactNode; id?: string }) {
  return (
    <section id={id} className="card flex flex-col gap-4 p-4 sm:p-5">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-lg font-semibold">{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
