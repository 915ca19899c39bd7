import { Fragment, type ReactNode } from "react";

/** Pairs of a name and what it is. */
export function Facts({ rows }: { rows: readonly (readonly [name: ReactNode, value: ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
      {rows.map(([name, value], place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a fixed list
        <Fragment key={place}>
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0">{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** A DICOM person name made readable; isolated, so that it keeps its own direction. */
export function Name({ children }: { children: string }) {
  return <bdi>{children}</bdi>;
}
