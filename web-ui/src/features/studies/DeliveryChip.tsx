import type { StudyDelivery } from "@/api/types";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";
import { Status, type Tone } from "@/ui/Status";

const TONES: Record<StudyDelivery["state"], Tone> = {
  queued: "calm",
  forwarding: "info",
  delivered: "ok",
  retrying: "warn",
  held: "bad",
  given_up: "bad",
};

/** Where a study is on its way to one destination. */
export function DeliveryChip({ delivery, named = true }: { delivery: StudyDelivery; named?: boolean }) {
  const t = useT();
  const { state, done, total, destination } = delivery;
  return (
    <Status tone={TONES[state]}>
      {named && destination && (
        <span className="font-normal">
          <bdi>{destination}</bdi>:{" "}
        </span>
      )}
      {state === "forwarding" || state === "retrying" ? t(`delivery.${state}_n`, { done, total }) : t(`delivery.${state}`)}
    </Status>
  );
}

/** The same with why and when, for the study's own page. */
export function DeliveryRow({ delivery }: { delivery: StudyDelivery }) {
  const t = useT();
  const format = useFormat();
  const { error, next_try, proven_at, destination } = delivery;
  return (
    <li className="flex flex-col gap-1 border-t border-line py-3 first:border-t-0">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <bdi className="font-semibold">{destination ?? t("delivery.nowhere")}</bdi>
        <DeliveryChip delivery={delivery} named={false} />
      </div>
      {proven_at && <p className="text-sm text-muted">{t("delivery.proven", { when: format.moment(proven_at, "full") })}</p>}
      {delivery.state === "retrying" && next_try && (
        <p className="text-sm text-muted">{t("delivery.next", { when: format.ago(next_try) })}</p>
      )}
      {error && (
        <p className="text-sm text-bad">
          <code dir="ltr">{error.code}</code> <BoxWords text={error.detail} />{" "}
          {error.what_to_do && (
            <span className="block">
              <BoxWords text={error.what_to_do} />
            </span>
          )}
        </p>
      )}
    </li>
  );
}
