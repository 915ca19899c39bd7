import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { CertificateView } from "@/ui/CertificateView";

/** The box's certificate: compare it with the display, install its CA once. */
export function CertificateStep({ done }: { done: () => void }) {
  const t = useT();
  return (
    <>
      <h2 className="text-lg font-semibold">{t("setup.certificate")}</h2>
      <CertificateView lead={<p className="text-sm text-muted">{t("setup.certificate_text")}</p>} />
      <div className="flex justify-end">
        <Button look="primary" onClick={done}>
          {t("next")}
        </Button>
      </div>
    </>
  );
}
