import { useLingui } from "@lingui/react";

export type T = (id: string, values?: Record<string, unknown>) => string;

/** Gives the translator of the current language: `t("save")`. Ids stand in `locales/*.po`; `npm run i18n:check` finds missing ones. */
export function useT(): T {
  const { i18n } = useLingui();
  return (id, values) => i18n._(id, values);
}
