import { type ReactNode, Suspense, useRef, useState } from "react";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { useNear } from "./near";

type Cells = (string | number)[];
type Props = {
  title: string;
  head: string[];
  rows: Cells[];
  /** The drawing; made when the place for it, which is there from the start, is near the window. */
  children: ReactNode;
  /** What stands below the drawing. */
  legend?: ReactNode;
};

/** A chart with its numbers as a table at hand. */
export function Figure({ title, head, rows, children, legend }: Props) {
  const t = useT();
  const [table, setTable] = useState(false);
  return (
    <figure className="card flex flex-col gap-3 p-5">
      <figcaption className="flex items-center justify-between gap-2">
        <span className="text-base font-semibold">{title}</span>
        <Button look="quiet" onClick={() => setTable(!table)} aria-label={`${title}: ${t(table ? "chart.chart" : "chart.table")}`}>
          {t(table ? "chart.chart" : "chart.table")}
        </Button>
      </figcaption>
      {table ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className="max-h-72 overflow-auto" tabIndex={0} aria-label={title}>
          <table className="w-full text-sm">
            <thead>
              <tr>
                {head.map((name) => (
                  <th key={name} scope="col" className="px-2 py-1 text-start">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells) => (
                <tr key={cells[0]} className="border-t border-line">
                  {cells.map((cell, place) => (
                    <td key={head[place]} className="px-2 py-1">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <div className="flex h-72 flex-col" aria-hidden="true" dir="ltr">
          <Drawing>{children}</Drawing>
          {legend}
        </div>
      )}
    </figure>
  );
}

function Drawing({ children }: { children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  const near = useNear(place);
  return (
    <div ref={place} className="min-h-0 flex-1">
      {near && <Suspense>{children}</Suspense>}
    </div>
  );
}
