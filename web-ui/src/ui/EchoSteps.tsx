import { CircleCheck, CircleX } from "lucide-react";
import type { components } from "@/api/schema";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { BoxWords } from "./BoxWords";

/** What a test of a destination found, step by step: the first that fails is named. */
export function EchoSteps({ result }: { result: components["schemas"]["Echo"] }) {
  const t = useT();
  const format = useFormat();
  return (
    <div role="status" data-testid="echo-steps" className="flex flex-col gap-1 rounded-lg bg-sunken p-3 text-sm">
      <ol className="flex flex-col gap-1">
        {result.steps.map(({ step, ok, ms, detail }) => (
          <li key={step} className="flex items-start gap-2">
            {ok ? (
              <CircleCheck size={18} role="img" aria-label={t("echo.ok")} className="shrink-0 text-ok" />
            ) : (
              <CircleX size={18} role="img" aria-label={t("echo.bad")} className="shrink-0 text-bad" />
            )}
            <span>
              <strong>{t(`echo.${step}`)}</strong> <span className="text-muted">{format.milliseconds(ms)}</span>
              {detail && (
                <span className="block">
                  <BoxWords text={detail} />
                </span>
              )}
            </span>
          </li>
        ))}
      </ol>
      <p className={`font-semibold ${result.ok ? "text-ok" : "text-bad"}`}>{result.ok ? t("echo.works") : t("echo.fails")}</p>
    </div>
  );
}
