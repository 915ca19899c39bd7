import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { modalitiesQuery } from "@/api/queries";
import type { Modality } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useBoxWords } from "@/i18n/box";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Ask, Dialog } from "@/ui/Dialog";
import { EchoSteps } from "@/ui/EchoSteps";
import { TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Empty, Skeleton, Trouble } from "@/ui/StateView";
import { Banner, Status } from "@/ui/Status";
import { useFieldErrors } from "@/ui/useFieldErrors";
import { addModality, deleteModality, echoModality } from "./api";

/** Who may send by C-STORE: those that are entered; while none is, anybody. */
export function ModalitiesTab() {
  const t = useT();
  const offline = useOffline();
  const modalities = useQuery(modalitiesQuery);
  const [adding, setAdding] = useState<string | null>(null);
  const entered = modalities.data?.filter(({ managed }) => managed) ?? [];
  const others = modalities.data?.filter(({ managed }) => !managed).map(({ ae_title }) => ae_title) ?? [];
  return (
    <Section
      title={t("modality.title")}
      actions={
        <Button look="primary" disabled={offline} onClick={() => setAdding("")}>
          {t("modality.add")}
        </Button>
      }
    >
      <p className="text-sm text-muted">{t("modality.text")}</p>
      {modalities.isPending && <Skeleton rows={3} />}
      {modalities.error && <Trouble error={modalities.error} retry={() => void modalities.refetch()} />}
      {modalities.data?.length === 0 && <Empty title={t("modality.none")}>{t("setup.modality_text")}</Empty>}
      <ul className="divide-y divide-line">
        {modalities.data?.map((modality) => (
          <ModalityRow key={modality.ae_title} modality={modality} last={entered.length === 1} admit={setAdding} />
        ))}
      </ul>
      {adding !== null && <AddDialog title={adding} others={entered.length === 0 ? others : []} close={() => setAdding(null)} />}
    </Section>
  );
}

type RowProps = {
  modality: Modality;
  /** No other is entered. */
  last: boolean;
  admit: (ae_title: string) => void;
};

function ModalityRow({ modality, last, admit }: RowProps) {
  const t = useT();
  const format = useFormat();
  const offline = useOffline();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { ae_title, allowed, last_refusal, managed } = modality;
  const words = useBoxWords();
  const test = useMutation({ mutationFn: () => echoModality(ae_title) });
  const drop = useMutation({
    mutationFn: () => deleteModality(ae_title),
    onSuccess: () => client.invalidateQueries({ queryKey: ["modalities"] }),
  });
  return (
    <li className="flex flex-col gap-2 py-3">
      <div className="flex flex-wrap items-center gap-3">
        <div className="min-w-0 flex-1 basis-52">
          <p className="font-semibold">
            <bdi>{ae_title}</bdi> <bdi className="font-normal text-muted">{modality.description}</bdi>
          </p>
          <p className="text-sm text-muted">
            <bdi dir="ltr">
              {modality.address ?? t("modality.anywhere")}
              {modality.port ? `:${modality.port}` : ""}
            </bdi>{" "}
            · {modality.last_seen ? t("sessions.seen", { when: format.ago(modality.last_seen) }) : t("modality.never")} ·{" "}
            {t("images.count", { n: modality.instances })}
          </p>
          {last_refusal && (
            <p className="text-sm text-bad">
              {t("modality.refused", { when: format.ago(last_refusal.at), why: words(last_refusal.reason) ?? last_refusal.reason })}
            </p>
          )}
        </div>
        <Status tone={allowed ? "ok" : "warn"}>{t(allowed ? "modality.allowed" : "modality.not_allowed")}</Status>
        {modality.port && (
          <Button busy={test.isPending} disabled={offline} onClick={() => test.mutate()}>
            {t("dest.test")}
          </Button>
        )}
        {managed === "box" && (
          <Button look="danger" disabled={offline} onClick={() => setAsking(true)}>
            {t("delete")}
          </Button>
        )}
        {managed === "file" && <span className="text-xs text-muted">{t("dest.from_file")}</span>}
        {!managed && (
          <Button disabled={offline} onClick={() => admit(ae_title)}>
            {t("modality.admit")}
          </Button>
        )}
      </div>
      {test.data && <EchoSteps result={test.data} />}
      {test.error && <Trouble error={test.error} compact />}
      {asking && (
        <Ask
          title={t("modality.delete_title")}
          confirm={t("delete")}
          busy={drop.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => drop.mutate(undefined, { onSuccess: () => setAsking(false) })}
          error={drop.error && <Trouble error={drop.error} compact />}
        >
          <p>
            <bdi className="font-semibold">{ae_title}</bdi> — {t(last ? "modality.delete_last" : "modality.delete_text")}
          </p>
        </Ask>
      )}
    </li>
  );
}

/** `others`: who sent until now without being entered, and may not once this one is. */
function AddDialog({ title, others, close }: { title: string; others: string[]; close: () => void }) {
  const t = useT();
  const format = useFormat();
  const client = useQueryClient();
  const [form, setForm] = useState({ ae_title: title, address: "", port: "", description: "" });
  const add = useMutation({
    mutationFn: () =>
      addModality({
        ae_title: form.ae_title.trim(),
        ...(form.address ? { address: form.address } : {}),
        ...(form.port ? { port: Number(form.port) } : {}),
        ...(form.description ? { description: form.description } : {}),
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["modalities"] });
      close();
    },
  });
  const errors = useFieldErrors(add.error, Object.keys(form));
  const left = others.filter((other) => other !== form.ae_title.trim());
  const field = (key: keyof typeof form) => ({
    value: form[key],
    onChange: ({ target }: { target: { value: string } }) => setForm({ ...form, [key]: target.value }),
    error: errors[key],
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Dialog
      title={t("modality.add")}
      onClose={close}
      actions={
        <Button type="submit" form="modality-form" look="primary" busy={add.isPending} disabled={!form.ae_title.trim()}>
          {t("save")}
        </Button>
      }
    >
      <form id="modality-form" className="flex flex-col gap-4" onSubmit={submit} noValidate>
        {left.length > 0 && <Banner tone="warn">{t("modality.first", { names: format.list(left) })}</Banner>}
        <TextField label={t("modality.ae")} maxLength={16} autoComplete="off" spellCheck={false} {...field("ae_title")} />
        <TextField label={t("modality.address")} hint={t("modality.address_hint")} autoComplete="off" dir="ltr" {...field("address")} />
        <TextField label={t("modality.port")} type="number" min={1} max={65535} hint={t("modality.port_hint")} {...field("port")} />
        <TextField label={t("col.description")} autoComplete="off" dir="auto" {...field("description")} />
        {add.error && Object.keys(errors).length === 0 && <Trouble error={add.error} compact />}
      </form>
    </Dialog>
  );
}
