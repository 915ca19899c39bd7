import { useQuery } from "@tanstack/react-query";
import { certificateQuery } from "@/api/queries";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button, buttonClass } from "@/ui/Button";
import { Facts } from "@/ui/Facts";
import { Skeleton, Trouble } from "@/ui/StateView";

/** The box's certificate: compare it with the display, install its CA once. */
export function CertificateStep({ done }: { done: () => void }) {
  const t = useT();
  const format = useFormat();
  const certificate = useQuery(certificateQuery);
  return (
    <>
      <h2 className="text-lg font-semibold">{t("setup.certificate")}</h2>
      <p className="text-sm text-muted">{t("setup.certificate_text")}</p>
      {certificate.isPending && <Skeleton rows={2} height="h-8" />}
      {certificate.error && <Trouble error={certificate.error} retry={() => void certificate.refetch()} compact />}
      {certificate.data && (
        <Facts
          rows={[
            [t("cert.issuer"), certificate.data.issuer],
            [t("cert.until"), format.moment(certificate.data.not_after)],
            [
              t("cert.sha256"),
              <code key="sha" dir="ltr">
                {certificate.data.sha256}
              </code>,
            ],
          ]}
        />
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <a href="/ca.crt" download className={buttonClass()}>
          {t("cert.download")}
        </a>
        <Button look="primary" onClick={done}>
          {t("next")}
        </Button>
      </div>
    </>
  );
}
