import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { systemQuery } from "@/api/queries";
import type { System } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";
import { Button } from "@/ui/Button";
import { CertificateView } from "@/ui/CertificateView";
import { Dialog } from "@/ui/Dialog";
import { Facts } from "@/ui/Facts";
import { AreaField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Bar } from "@/ui/Ring";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Status } from "@/ui/Status";
import { Table } from "@/ui/Table";
import { Alerts } from "./Alerts";
import { putCertificate } from "./api";

const WORK = new Set(["clean-up", "report-sync", "audit-check", "certificate-renewal", "scrub", "statistics-roll-up"]);

/** How the box is. */
export function SystemTab() {
  const system = useQuery(systemQuery);
  return (
    <>
      {system.isPending && <Skeleton rows={4} height="h-24" />}
      {system.error && <Trouble error={system.error} retry={() => void system.refetch()} />}
      {system.data && <Health system={system.data} />}
      <Certificate />
    </>
  );
}

function Health({ system }: { system: System }) {
  const t = useT();
  const format = useFormat();
  const { disk, queue } = system;
  return (
    <>
      <Alerts alerts={system.alerts} />
      <div className="grid gap-5 lg:grid-cols-2">
        <Section
          title={t("system.box")}
          actions={<Status tone={system.ready ? "ok" : "bad"}>{t(system.ready ? "system.ready" : "system.not_ready")}</Status>}
        >
          <Facts
            rows={[
              [t("system.name"), <bdi key="n">{system.node_name}</bdi>],
              [t("system.version"), system.build === "unknown" ? system.version : `${system.version} (${system.build})`],
              [t("system.uptime"), format.duration(system.uptime_s)],
              [t("system.time"), format.moment(system.time, "full")],
              [t("system.clock"), t(system.clock_synchronised === null ? "unknown" : system.clock_synchronised ? "yes" : "no")],
              [t("modality.ae"), <bdi key="ae">{`${system.ae_title} : ${system.dicom_port}`}</bdi>],
              [t("system.addresses"), <bdi key="a">{system.addresses.join(", ") || "–"}</bdi>],
            ]}
          />
        </Section>
        <Section title={t("system.disk")}>
          <Bar value={disk.total > 0 ? (disk.used / disk.total) * 100 : 100} label={t("system.disk")} />
          <Facts
            rows={[
              [t("system.used"), t("progress.of", { done: format.bytes(disk.used), total: format.bytes(disk.total) })],
              [t("system.reserve"), format.bytes(disk.reserve)],
              [
                t("dest.queue"),
                queue ? t("dest.queue_n", { studies: queue.studies, instances: queue.instances, bytes: format.bytes(queue.bytes) }) : "–",
              ],
              ...(disk.days_left != null ? ([[t("system.days_left"), t("system.days", { n: Math.floor(disk.days_left) })]] as const) : []),
              [t("system.held"), queue ? format.number(queue.held) : "–"],
            ]}
          />
        </Section>
      </div>
      <Section title={t("system.schedule")}>
        {system.schedule.length === 0 ? (
          <p className="text-sm text-muted">{t("system.no_jobs")}</p>
        ) : (
          <Table
            label={t("system.schedule")}
            rows={system.schedule}
            rowKey={({ job }) => job}
            columns={[
              {
                key: "job",
                head: t("system.job"),
                main: true,
                cell: ({ job }) => (WORK.has(job) ? t(`work.${job.replaceAll("-", "_")}`) : job),
              },
              { key: "last", head: t("system.last"), cell: ({ last_run }) => (last_run ? format.moment(last_run) : "–") },
              { key: "result", head: t("audit.outcome"), cell: ({ result }) => (result ? <BoxWords text={result} /> : "–") },
              { key: "next", head: t("system.next"), cell: ({ next_run }) => (next_run ? format.moment(next_run) : "–") },
            ]}
          />
        )}
      </Section>
    </>
  );
}

function Certificate() {
  const t = useT();
  const offline = useOffline();
  const [changing, setChanging] = useState(false);
  return (
    <Section title={t("cert.title")}>
      <CertificateView
        actions={
          <Button disabled={offline} onClick={() => setChanging(true)}>
            {t("cert.change")}
          </Button>
        }
      />
      {changing && <CertificateDialog close={() => setChanging(false)} />}
    </Section>
  );
}

function CertificateDialog({ close }: { close: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [certificate, setCertificate] = useState("");
  const [key, setKey] = useState("");
  const put = useMutation({
    mutationFn: () => putCertificate({ certificate, key }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["certificate"] });
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    put.mutate();
  };
  return (
    <Dialog
      title={t("cert.change")}
      onClose={close}
      actions={
        <Button type="submit" form="certificate" look="primary" busy={put.isPending} disabled={!certificate || !key}>
          {t("save")}
        </Button>
      }
    >
      <form id="certificate" onSubmit={submit} className="flex flex-col gap-4">
        <p className="text-sm text-muted">{t("cert.change_text")}</p>
        <AreaField
          label={t("cert.pem")}
          value={certificate}
          onChange={({ target }) => setCertificate(target.value)}
          dir="ltr"
          spellCheck={false}
          placeholder="-----BEGIN CERTIFICATE-----"
          className="font-mono"
        />
        <AreaField
          label={t("cert.key")}
          value={key}
          onChange={({ target }) => setKey(target.value)}
          dir="ltr"
          spellCheck={false}
          placeholder="-----BEGIN PRIVATE KEY-----"
          className="font-mono"
        />
        {put.error && <Trouble error={put.error} compact />}
      </form>
    </Dialog>
  );
}
