import { useQuery } from "@tanstack/react-query";
import { modalitiesQuery, systemQuery } from "@/api/queries";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { Skeleton } from "@/ui/StateView";
import { Status } from "@/ui/Status";

/** What to enter at the scanners, and whether one was heard. */
export function ModalityStep({ done }: { done: () => void }) {
  const t = useT();
  const format = useFormat();
  const system = useQuery(systemQuery);
  const modalities = useQuery({ ...modalitiesQuery, refetchInterval: 3000 });
  const seen = modalities.data?.filter(({ last_seen }) => last_seen) ?? [];
  return (
    <>
      <h2 className="text-lg font-semibold">{t("setup.modality")}</h2>
      <p className="text-sm text-muted">{t("setup.modality_text")}</p>
      {system.data ? (
        <Facts
          rows={[
            [t("modality.ae"), <code key="ae">{system.data.ae_title}</code>],
            [
              t("modality.address"),
              <code key="ip" dir="ltr">
                {system.data.addresses.join(", ") || location.hostname}
              </code>,
            ],
            [t("modality.port"), <code key="port">{system.data.dicom_port}</code>],
          ]}
        />
      ) : (
        <Skeleton rows={3} height="h-6" />
      )}
      {seen.length > 0 ? (
        <Status tone="ok">
          {t("setup.modality_seen", { name: seen.map(({ ae_title }) => ae_title).join(", "), when: format.ago(seen[0]?.last_seen ?? "") })}
        </Status>
      ) : (
        <Status tone="calm">{t("setup.modality_waits")}</Status>
      )}
      <Button look="primary" onClick={done}>
        {t("setup.finish")}
      </Button>
    </>
  );
}
