import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { certificateQuery, systemQuery } from "@/api/queries";
import type { System } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Facts } from "@/ui/Facts";
import { AreaField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Bar } from "@/ui/Ring";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Banner, Status } from "@/ui/Status";
import { Table } from "@/ui/Table";
import { putCertificate } from "./api";

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
      {system.alerts.map((alert) => (
        <Banner key={`${alert.code}${alert.since}`} tone={alert.severity === "error" ? "bad" : "warn"}>
          <p className="font-semibold">
            <code>{alert.code}</code> {alert.text}
          </p>
          <p>{alert.what_to_do}</p>
        </Banner>
      ))}
      <div className="grid gap-5 lg:grid-cols-2">
        <Section
          title={t("system.box")}
          actions={<Status tone={system.ready ? "ok" : "bad"}>{t(system.ready ? "system.ready" : "system.not_ready")}</Status>}
        >
          <Facts
            rows={[
              [t("system.name"), <bdi key="n">{system.node_name}</bdi>],
              [t("system.version"), `${system.version} (${system.build})`],
              [t("system.uptime"), format.duration(system.uptime_s)],
              [t("system.time"), format.moment(system.time, "full")],
              [t("system.clock"), t(system.clock_synchronised === null ? "unknown" : system.clock_synchronised ? "yes" : "no")],
              [t("modality.ae"), `${system.ae_title} : ${system.dicom_port}`],
              [t("system.addresses"), system.addresses.join(", ") || "–"],
            ]}
          />
        </Section>
        <Section title={t("system.disk")}>
          <Bar value={(disk.used / Math.max(1, disk.total)) * 100} label={t("system.disk")} />
          <Facts
            rows={[
              [t("system.used"), t("progress.of", { done: format.bytes(disk.used), total: format.bytes(disk.total) })],
              [t("system.reserve"), format.bytes(disk.reserve)],
              [
                t("dest.queue"),
                queue ? t("dest.queue_n", { studies: queue.studies, instances: queue.instances, bytes: format.bytes(queue.bytes) }) : "–",
              ],
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
              { key: "job", head: t("system.job"), main: true, cell: ({ job }) => job },
              { key: "last", head: t("system.last"), cell: ({ last_run }) => (last_run ? format.moment(last_run) : "–") },
              { key: "result", head: t("audit.outcome"), cell: ({ result }) => result ?? "–" },
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
  const format = useFormat();
  const offline = useOffline();
  const certificate = useQuery(certificateQuery);
  const [changing, setChanging] = useState(false);
  return (
    <Section title={t("cert.title")}>
      {certificate.error && <Trouble error={certificate.error} retry={() => void certificate.refetch()} compact />}
      {certificate.data && (
        <Facts
          rows={[
            [t("cert.issuer"), certificate.data.issuer],
            [t("cert.until"), format.moment(certificate.data.not_after)],
            [
              t("cert.sha256"),
              <code key="s" dir="ltr">
                {certificate.data.sha256}
              </code>,
            ],
          ]}
        />
      )}
      <div className="flex flex-wrap gap-2">
        <a href="/ca.crt" download className={buttonClass()}>
          {t("cert.download")}
        </a>
        <Button disabled={offline} onClick={() => setChanging(true)}>
          {t("cert.change")}
        </Button>
      </div>
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
