import type { System } from "@/api/types";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";
import { Banner } from "@/ui/Status";

const KNOWN = new Set(["E11", "E21", "E22", "E23", "E31", "E32", "E41", "E51", "E61", "E71", "E72"]);

/** Of these the title says all that the box's own words say. */
const WHOLE = new Set(["E41"]);

/** What is wrong with the box, by the codes of its display: what, since when, what to do. */
export function Alerts({ alerts }: { alerts: System["alerts"] }) {
  const t = useT();
  const format = useFormat();
  return alerts.map(({ code, severity, since, text, what_to_do }) => (
    <Banner key={`${code}${since}${text}`} tone={severity === "error" ? "bad" : "warn"}>
      <p className="font-semibold">
        <code>{code}</code> {KNOWN.has(code) ? t(`alert.${code}`) : text}{" "}
        <span className="font-normal">{t("alert.since", { when: format.moment(since) })}</span>
      </p>
      {KNOWN.has(code) && !WHOLE.has(code) && (
        <p>
          <BoxWords text={text} />
        </p>
      )}
      <p>{KNOWN.has(code) ? t(`alert.${code}_todo`) : what_to_do}</p>
    </Banner>
  ));
}
