import { useInfiniteQuery } from "@tanstack/react-query";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Table } from "@/ui/Table";
import { ledgerQuery } from "./api";

/** The proof of every instance. */
export function Ledger({ uid }: { uid: string }) {
  const t = useT();
  const format = useFormat();
  const ledger = useInfiniteQuery(ledgerQuery(uid));
  const rows = ledger.data?.pages.flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.deliveries.length ? entry.deliveries : [null]).map((delivery) => ({ entry, delivery }))),
  );
  return (
    <Section title={t("study.ledger")}>
      {ledger.isPending && <Skeleton rows={3} height="h-10" />}
      {ledger.error && <Trouble error={ledger.error} retry={() => void ledger.refetch()} compact />}
      {rows && (
        <Table
          label={t("study.ledger")}
          rows={rows}
          rowKey={({ entry, delivery }) => `${entry.sop_instance_uid}${entry.sha256}${delivery?.destination}`}
          columns={[
            {
              key: "uid",
              head: t("ledger.instance"),
              main: true,
              cell: ({ entry }) => (
                <code className="text-xs" dir="ltr">
                  {entry.sop_instance_uid}
                </code>
              ),
            },
            { key: "accepted", head: t("ledger.accepted"), cell: ({ entry }) => format.moment(entry.accepted_at) },
            { key: "destination", head: t("ledger.destination"), cell: ({ delivery }) => <bdi>{delivery?.destination ?? "–"}</bdi> },
            { key: "attempts", head: t("ledger.attempts"), end: true, cell: ({ delivery }) => delivery?.attempts ?? 0 },
            {
              key: "proof",
              head: t("ledger.proof"),
              cell: ({ delivery }) => (delivery?.proof ? t(`proof.${delivery.proof}`) : (delivery?.answer ?? "–")),
            },
            {
              key: "proven",
              head: t("ledger.proven"),
              cell: ({ delivery }) => (delivery?.proven_at ? format.moment(delivery.proven_at) : "–"),
            },
          ]}
        />
      )}
      {ledger.hasNextPage && (
        <Button busy={ledger.isFetchingNextPage} onClick={() => void ledger.fetchNextPage()}>
          {t("more")}
        </Button>
      )}
    </Section>
  );
}
