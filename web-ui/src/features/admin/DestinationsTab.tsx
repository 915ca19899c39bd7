import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addDestination, changeDestination, type DestinationForm, testDestination } from "@/api/destinations";
import { destinationsQuery } from "@/api/queries";
import type { Destination } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";
import { Button } from "@/ui/Button";
import { DESTINATION_FIELDS, DestinationFields } from "@/ui/DestinationFields";
import { Ask, Dialog } from "@/ui/Dialog";
import { EchoSteps } from "@/ui/EchoSteps";
import { Facts } from "@/ui/Facts";
import { Section } from "@/ui/Page";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { Status } from "@/ui/Status";
import { useFieldErrors } from "@/ui/useFieldErrors";
import { deleteDestination, pauseDestination } from "./api";

const TONE = { up: "ok", down: "bad", unknown: "calm" } as const;

/** Where studies go, and how it is there. */
export function DestinationsTab() {
  const t = useT();
  const offline = useOffline();
  const destinations = useQuery(destinationsQuery);
  const [adding, setAdding] = useState(false);
  const add = (
    <Button look="primary" disabled={offline} onClick={() => setAdding(true)}>
      {t("dest.add")}
    </Button>
  );
  return (
    <>
      <div className="flex justify-end">{add}</div>
      {destinations.isPending && <Skeleton rows={2} height="h-40" />}
      {destinations.error && <Trouble error={destinations.error} retry={() => void destinations.refetch()} />}
      {destinations.data?.length === 0 && <Empty title={t("dest.none")}>{t("dest.none_text")}</Empty>}
      <div className="grid gap-5 lg:grid-cols-2">
        {destinations.data?.map((destination) => (
          <DestinationCard key={destination.name} destination={destination} />
        ))}
      </div>
      {adding && <SettingsDialog close={() => setAdding(false)} />}
    </>
  );
}

function DestinationCard({ destination }: { destination: Destination }) {
  const t = useT();
  const format = useFormat();
  const offline = useOffline();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [changing, setChanging] = useState(false);
  const again = { onSuccess: () => client.invalidateQueries({ queryKey: ["destinations"] }) };
  const { name, state, queue, last_error, paused, paused_by, managed } = destination;
  const test = useMutation({ mutationFn: () => testDestination(name) });
  const pause = useMutation({ mutationFn: () => pauseDestination(name, !paused), ...again });
  const drop = useMutation({ mutationFn: () => deleteDestination(name), ...again });
  const error = test.error ?? pause.error ?? (asking ? null : drop.error);
  const box = (managed as string) !== "file";
  return (
    <Section
      title={name}
      actions={
        <Status tone={paused ? "warn" : TONE[state]}>
          {paused ? t(paused_by === "operator" ? "dest.paused" : "dest.paused_box") : t(`dest.${state}`)}
        </Status>
      }
    >
      {state === "down" && (
        <p className="text-sm text-bad">{t("dest.safe", { n: queue.studies, when: format.moment(destination.since) })}</p>
      )}
      <Facts
        rows={[
          [t("dest.kind"), destination.kind],
          [
            t("dest.url"),
            <bdi key="url" dir="ltr">
              {destination.url ?? destination.path ?? "–"}
            </bdi>,
          ],
          [t("dest.queue"), t("dest.queue_n", { studies: queue.studies, instances: queue.instances, bytes: format.bytes(queue.bytes) })],
          [t("dest.oldest"), queue.oldest ? format.ago(queue.oldest) : "–"],
          [t("dest.latency"), destination.latency_ms == null ? "–" : format.milliseconds(destination.latency_ms)],
          ...(last_error
            ? ([
                [
                  t("dest.error"),
                  <span key="e">
                    <code dir="ltr">{last_error.code}</code> <BoxWords text={last_error.detail} />
                  </span>,
                ],
              ] as const)
            : []),
        ]}
      />
      {test.data && <EchoSteps result={test.data} />}
      {error && <Trouble error={error} compact />}
      <div className="flex flex-wrap gap-2">
        <Button busy={test.isPending} disabled={offline} onClick={() => test.mutate()}>
          {t("dest.test")}
        </Button>
        <Button busy={pause.isPending} disabled={offline} onClick={() => pause.mutate()}>
          {t(paused ? "dest.resume" : "dest.pause")}
        </Button>
        {box && destination.kind === "stow" && (
          <Button disabled={offline} onClick={() => setChanging(true)}>
            {t("dest.change")}
          </Button>
        )}
        {box ? (
          <Button look="danger" disabled={offline} onClick={() => setAsking(true)}>
            {t("delete")}
          </Button>
        ) : (
          <span className="self-center text-xs text-muted">{t("dest.from_file")}</span>
        )}
      </div>
      {changing && (
        <SettingsDialog
          of={destination}
          close={() => {
            setChanging(false);
            test.reset();
          }}
        />
      )}
      {asking && (
        <Ask
          title={t("dest.delete_title")}
          confirm={t("delete")}
          busy={drop.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => drop.mutate(undefined, { onSuccess: () => setAsking(false) })}
          error={drop.error && <Trouble error={drop.error} compact />}
        >
          <p>
            <bdi className="font-semibold">{name}</bdi> — {t("dest.delete_text")}
          </p>
        </Ask>
      )}
    </Section>
  );
}

/** Adds a destination, or changes where one is and how the box signs in there. */
function SettingsDialog({ of, close }: { of?: Destination; close: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState<DestinationForm>({
    name: of?.name ?? "",
    url: of?.url ?? "",
    kind: of ? "keep" : "none",
    user: "",
    secret: "",
  });
  const put = useMutation({
    mutationFn: () => (of ? changeDestination : addDestination)(form),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["destinations"] });
      close();
    },
  });
  const errors = useFieldErrors(put.error, DESTINATION_FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    put.mutate();
  };
  return (
    <Dialog
      title={t(of ? "dest.change_title" : "dest.add")}
      onClose={close}
      actions={
        <Button type="submit" form="destination" look="primary" busy={put.isPending} disabled={!form.name || !form.url}>
          {t("save")}
        </Button>
      }
    >
      <form id="destination" className="flex flex-col gap-4" onSubmit={submit} noValidate>
        <DestinationFields form={form} change={setForm} errors={errors} known={of !== undefined} />
        {put.error && Object.keys(errors).length === 0 && <Trouble error={put.error} compact />}
      </form>
    </Dialog>
  );
}
