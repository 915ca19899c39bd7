import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiProblem } from "@/api/problem";
import { certificateQuery } from "@/api/queries";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { buttonClass } from "./Button";
import { Facts } from "./Facts";
import { Skeleton, Trouble } from "./StateView";
import { Banner } from "./Status";

/** As many digits of the fingerprint as fit on the box's display. */
const SHOWN = 16;
const pairs = (hex: string) => hex.toUpperCase().match(/../g)?.join(" ") ?? "";

/** The certificate in force and the box's CA; where HTTPS is off, that, and how to turn it on. `lead` stands before a certificate. */
export function CertificateView({ lead, actions }: { lead?: ReactNode; actions?: ReactNode }) {
  const t = useT();
  const format = useFormat();
  const { isPending, error, data, refetch } = useQuery(certificateQuery);
  if (isPending) return <Skeleton rows={2} height="h-8" />;
  if (error instanceof ApiProblem && error.status === 409)
    return (
      <Banner tone="info" testid="https-off">
        <p className="font-semibold">{t("cert.off")}</p>
        <p>{t("cert.off_text")}</p>
        <pre dir="ltr" className="mt-1 text-start font-mono">
          {"[http]\nport = 8443"}
        </pre>
      </Banner>
    );
  if (error) return <Trouble error={error} retry={() => void refetch()} compact />;
  return (
    <>
      {lead}
      <Facts
        rows={[
          [t("cert.issuer"), <bdi key="issuer">{data.issuer}</bdi>],
          [t("cert.until"), format.moment(data.not_after)],
          [
            t("cert.sha256"),
            <div key="sha256">
              <code dir="ltr" data-testid="fingerprint">
                <strong>{pairs(data.sha256.slice(0, SHOWN))}</strong> {pairs(data.sha256.slice(SHOWN))}
              </code>
              <p className="text-muted">{t("cert.on_display")}</p>
            </div>,
          ],
        ]}
      />
      <div className="flex flex-wrap gap-2">
        <a href="/ca.crt" download className={buttonClass()}>
          {t("cert.download")}
        </a>
        {actions}
      </div>
    </>
  );
}
