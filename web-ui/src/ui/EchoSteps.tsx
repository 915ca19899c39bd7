import { CircleCheck, CircleX } from "lucide-react";
import type { components } from "@/api/schema";
import { useT } from "@/i18n/useT";

/** What a test of a destination found, step by step: the first that fails is named. */
export function EchoSteps({ result }: { result: components["schemas"]["Echo"] }) {
  const t = useT();
  return (
    <ol className="flex flex-col gap-1 rounded-lg bg-sunken p-3 text-sm" role="status">
      {result.steps.map(({ step, ok, ms, detail }) => (
        <li key={step} className="flex items-start gap-2">
          {ok ? (
            <CircleCheck size={18} role="img" aria-label={t("echo.ok")} className="shrink-0 text-ok" />
          ) : (
            <CircleX size={18} role="img" aria-label={t("echo.bad")} className="shrink-0 text-bad" />
          )}
          <span>
            <strong>{t(`echo.${step}`)}</strong> <span className="text-muted">{ms} ms</span>
            {detail && <span className="block">{detail}</span>}
          </span>
        </li>
      ))}
      <li className={`font-semibold ${result.ok ? "text-ok" : "text-bad"}`}>{result.ok ? t("echo.works") : t("echo.fails")}</li>
    </ol>
  );
}
