import type { ReactNode } from "react";

export type Column<R> = { key: string; head: ReactNode; cell: (row: R) => ReactNode; end?: boolean; main?: boolean; nowrap?: boolean };

type Props<R> = {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  unread?: (row: R) => boolean;
};

/** A table; on small screens each row is a card whose cells carry their heads. Roles are said, because a changed display takes them away. */
export function Table<R>({ label, columns, rows, rowKey, unread }: Props<R>) {
  return (
    // biome-ignore-start lint/a11y/noRedundantRoles: a table shown as blocks loses its roles
    // biome-ignore-start lint/a11y/useSemanticElements: these are the elements, with their roles kept
    <div className="card overflow-hidden">
      <table role="table" aria-label={label} className="block w-full text-sm sm:table">
        <thead role="rowgroup" className="hidden bg-sunken text-start sm:table-header-group">
          <tr role="row">
            {columns.map(({ key, head, end }) => (
              <th
                key={key}
                role="columnheader"
                scope="col"
                className={`whitespace-nowrap px-3 py-2 font-semibold text-muted ${end ? "text-end" : "text-start"}`}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" className="block sm:table-row-group">
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              role="row"
              className={`block border-t border-line p-3 first:border-t-0 hover:bg-sunken sm:table-row sm:p-0 ${unread?.(row) ? "font-semibold" : ""}`}
            >
              {columns.map(({ key, head, cell, end, main, nowrap }) => (
                <td
                  key={key}
                  role="cell"
                  className={`flex justify-between gap-4 py-0.5 sm:table-cell sm:px-3 sm:py-2 ${end ? "sm:text-end" : ""} ${nowrap ? "lg:whitespace-nowrap" : ""}`}
                >
                  <span aria-hidden="true" className={`shrink-0 font-normal text-muted sm:hidden ${main ? "hidden" : ""}`}>
                    {head}
                  </span>
                  <span
                    className={`min-w-0 text-end sm:text-inherit ${main ? "text-start max-sm:text-base" : ""} ${end ? "" : "sm:text-start"}`}
                  >
                    {cell(row)}
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    // biome-ignore-end lint/a11y/useSemanticElements: as above
    // biome-ignore-end lint/a11y/noRedundantRoles: as above
  );
}
