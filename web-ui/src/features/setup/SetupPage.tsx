import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Navigate, useNavigate } from "react-router";
import { systemPublicQuery } from "@/api/queries";
import { useSession } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { Skeleton, Trouble } from "@/ui/StateView";
import { AccountStep } from "./AccountStep";
import { CertificateStep } from "./CertificateStep";
import { CodeStep } from "./CodeStep";
import { setupCodeFromAddress } from "./code";
import { DestinationStep } from "./DestinationStep";
import { ModalityStep } from "./ModalityStep";
import { RegionStep } from "./RegionStep";

const STEPS = ["code", "account", "region", "destination", "certificate", "modality"] as const;
type Step = (typeof STEPS)[number];

/** The first start: from the code on the box's display to the first destination. */
export function SetupPage() {
  const t = useT();
  const session = useSession();
  const navigate = useNavigate();
  const box = useQuery(systemPublicQuery);
  const [fromAddress] = useState(setupCodeFromAddress);
  const [code, setCode] = useState(fromAddress);
  const [step, setStep] = useState<Step>(fromAddress ? "account" : "code");
  const [begun, setBegun] = useState(false);

  // The QR's address opened in a tab that is here already.
  useEffect(() => {
    const read = () => {
      const given = setupCodeFromAddress();
      if (!given) return;
      setCode(given);
      setStep((now) => (now === "code" ? "account" : now));
    };
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);

  const next = () => setStep(STEPS[STEPS.indexOf(step) + 1] ?? "modality");
  if (box.isPending || session.kind === "loading")
    return (
      <main className="mx-auto max-w-xl p-6">
        <Skeleton rows={4} />
      </main>
    );
  if (box.data && !box.data.setup_required && !begun) return <Navigate to={session.kind === "signed_in" ? "/" : "/login"} replace />;
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-xl flex-col gap-6 px-4 py-8">
      <div className="flex flex-col gap-1">
        <h1 className="text-xl font-bold">{t("setup.title")}</h1>
        <p data-testid="setup-step" data-step={STEPS.indexOf(step) + 1} className="text-sm text-muted">
          {t("setup.step", { n: STEPS.indexOf(step) + 1, of: STEPS.length })}
        </p>
        <ol className="flex gap-1" aria-hidden="true">
          {STEPS.map((name, place) => (
            <li key={name} className={`h-1.5 flex-1 rounded-full ${place <= STEPS.indexOf(step) ? "bg-accent" : "bg-line"}`} />
          ))}
        </ol>
      </div>
      {box.error && <Trouble error={box.error} retry={() => void box.refetch()} />}
      <div className="card flex flex-col gap-4 p-6">
        {step === "code" && (
          <CodeStep
            code={code}
            done={(typed) => {
              setCode(typed);
              next();
            }}
          />
        )}
        {step === "account" && (
          <AccountStep
            code={code}
            setCode={setCode}
            done={() => {
              setBegun(true);
              next();
            }}
            beginning={() => setBegun(true)}
          />
        )}
        {step === "region" && <RegionStep done={next} />}
        {step === "destination" && <DestinationStep done={next} />}
        {step === "certificate" && <CertificateStep done={next} />}
        {step === "modality" && <ModalityStep done={() => void navigate("/")} />}
      </div>
    </main>
  );
}
