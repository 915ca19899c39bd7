import { Fragment, type ReactNode } from "react";

/** Short facts in a row. Each keeps its own direction: Latin letters and dates in an Arabic line stay in their order. */
export function Dots({ parts }: { parts: readonly ReactNode[] }) {
  return parts.map((part, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a fixed list
    <Fragment key={place}>
      {place > 0 && " · "}
      <bdi>{part}</bdi>
    </Fragment>
  ));
}
