import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { systemQuery } from "@/api/queries";
import { useBoxWords } from "@/i18n/box";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { Table } from "@/ui/Table";
import { type AuditFilter, auditQuery } from "./api";

const OUTCOMES = ["done", "refused", "failed"];

/** Who did what; the entries are chained, so that a change would show. */
export function AuditTab() {
  const t = useT();
  const format = useFormat();
  const [filter, setFilter] = useState<AuditFilter>({ actor: "", action: "", from: "", to: "" });
  const audit = useInfiniteQuery(auditQuery(useDeferredValue(filter)));
  const entries = audit.data?.pages.flatMap((page) => page.entries);
  const field = (key: keyof AuditFilter) => ({
    value: filter[key],
    onChange: ({ target }: { target: { value: string } }) => setFilter({ ...filter, [key]: target.value }),
  });
  return (
    <>
      <Chain />
      <search className="grid gap-3 min-[400px]:grid-cols-2 lg:grid-cols-4">
        <TextField label={t("audit.actor")} type="search" autoComplete="off" {...field("actor")} />
        <TextField label={t("audit.action")} type="search" autoComplete="off" placeholder="sign_in" dir="ltr" {...field("action")} />
        <TextField label={t("filter.from")} type="date" {...field("from")} />
        <TextField label={t("filter.to")} type="date" {...field("to")} />
      </search>
      {audit.isPending && <Skeleton rows={8} />}
      {audit.error && <Trouble error={audit.error} retry={() => void audit.refetch()} />}
      {entries?.length === 0 && <Empty title={t("audit.none")} />}
      {entries && entries.length > 0 && (
        <Table
          label={t("admin.audit")}
          rows={entries}
          rowKey={({ seq }) => String(seq)}
          columns={[
            { key: "at", nowrap: true, head: t("audit.at"), main: true, cell: ({ at }) => <time dateTime={at}>{format.moment(at)}</time> },
            { key: "actor", head: t("audit.actor"), cell: ({ actor }) => <bdi>{actor}</bdi> },
            { key: "action", head: t("audit.action"), cell: ({ action }) => <Deed action={action} /> },
            { key: "object", head: t("audit.object"), cell: ({ object }) => (object ? <BoxWords text={object} /> : "–") },
            {
              key: "outcome",
              head: t("audit.outcome"),
              cell: ({ outcome }) => (OUTCOMES.includes(outcome) ? t(`audit.outcome_${outcome}`) : outcome),
            },
            { key: "address", head: t("audit.address"), cell: ({ address }) => <bdi dir="ltr">{address ?? "–"}</bdi> },
            { key: "hash", head: t("audit.hash"), cell: ({ hash }) => <code title={hash}>{hash.slice(0, 10)}</code> },
          ]}
        />
      )}
      {audit.hasNextPage && (
        <Button busy={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()} className="self-center">
          {t("more")}
        </Button>
      )}
    </>
  );
}

/** What was done: by its name in the box, which the filter takes, and in the reader's language. */
function Deed({ action }: { action: string }) {
  const meaning = useBoxWords()(action);
  const code = <code dir="ltr">{action}</code>;
  if (meaning === null) return code;
  return (
    <>
      <bdi className="block">{meaning}</bdi>
      <span className="text-xs text-muted">{code}</span>
    </>
  );
}

/** Whether the chain held when the box last read it whole. */
function Chain() {
  const t = useT();
  const format = useFormat();
  const check = useQuery(systemQuery).data?.schedule.find(({ job }) => job === "audit-check");
  const words = useBoxWords();
  const said = check?.result;
  const result = said?.endsWith("chain intact") ? t("audit.intact") : said && (words(said) ?? said);
  return (
    <p className="text-sm text-muted">
      {t("audit.chain")} {check?.last_run && result && t("audit.chain_at", { when: format.moment(check.last_run), result })}
    </p>
  );
}
