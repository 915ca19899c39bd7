import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { canInstall, install, isInstalled, onInstall } from "@/pwa/install";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { Bar } from "@/ui/Ring";
import { Status } from "@/ui/Status";
import { browserChecks } from "./device";

/** This device: installed? how full? what can its browser do? */
export function DeviceSection() {
  const t = useT();
  const format = useFormat();
  const mayInstall = useSyncExternalStore(onInstall, canInstall);
  const store = useQuery({ queryKey: ["storage"], queryFn: async () => (await navigator.storage?.estimate?.()) ?? {} });
  const { usage = 0, quota = 0 } = store.data ?? {};
  const ios = /iPhone|iPad/.test(navigator.userAgent);
  return (
    <Section title={t("device.title")}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div>
          <p className="font-medium">{t("device.app")}</p>
          {isInstalled() ? (
            <Status tone="ok">{t("device.installed")}</Status>
          ) : (
            <p className="text-sm text-muted">{t(ios ? "device.ios" : mayInstall ? "device.may" : "device.cannot")}</p>
          )}
        </div>
        {mayInstall && !isInstalled() && <Button onClick={() => void install()}>{t("device.install")}</Button>}
      </div>
      <div className="flex flex-col gap-1">
        <p className="font-medium">{t("device.storage")}</p>
        <Bar value={quota ? (usage / quota) * 100 : 0} />
        <p className="text-sm text-muted">{t("device.used", { used: format.bytes(usage), quota: format.bytes(quota) })}</p>
      </div>
      <details>
        <summary className="text-sm font-medium">{t("device.check")}</summary>
        <ul className="grid gap-1 pt-2 text-sm sm:grid-cols-2">
          {browserChecks().map(({ id, ok }) => (
            <li key={id} className="flex items-center gap-2">
              {ok ? (
                <CircleCheck size={16} role="img" aria-label={t("yes")} className="text-ok" />
              ) : (
                <CircleX size={16} role="img" aria-label={t("no")} className="text-warn" />
              )}
              {t(`browser.${id}`)}
            </li>
          ))}
        </ul>
      </details>
    </Section>
  );
}
