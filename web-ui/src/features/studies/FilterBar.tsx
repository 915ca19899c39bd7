import { useLocation } from "react-router";
import { useT } from "@/i18n/useT";
import { SelectField, TextField } from "@/ui/Field";
import type { Filters } from "./api";

const MODALITIES = ["CT", "MR", "CR", "DX", "US", "XA", "RF", "MG", "NM", "PT"];
const STATES = ["queued", "forwarding", "delivered", "retrying", "held"];

type Props = { q: string; search: (q: string) => void; filters: Filters; change: (name: keyof Filters, value: string) => void };

export function FilterBar({ q, search, filters, change }: Props) {
  const t = useT();
  const wantsSearch = (useLocation().state as { search?: boolean } | null)?.search === true;
  return (
    <search className="grid grid-cols-2 gap-3 md:grid-cols-6">
      <div className="col-span-2 md:col-span-6 lg:col-span-1">
        <TextField
          label={t("filter.search")}
          type="search"
          value={q}
          autoFocus={wantsSearch}
          onChange={({ target }) => search(target.value)}
          placeholder={t("filter.search_hint")}
          autoComplete="off"
          maxLength={128}
        />
      </div>
      <SelectField label={t("col.modality")} value={filters.modality} onChange={({ target }) => change("modality", target.value)}>
        <option value="">{t("filter.all")}</option>
        {MODALITIES.map((modality) => (
          <option key={modality}>{modality}</option>
        ))}
      </SelectField>
      <SelectField label={t("col.source")} value={filters.source} onChange={({ target }) => change("source", target.value)}>
        <option value="">{t("filter.all")}</option>
        <option value="dicom">{t("source.dicom")}</option>
        <option value="http">{t("source.http")}</option>
      </SelectField>
      <SelectField label={t("col.way")} value={filters.state} onChange={({ target }) => change("state", target.value)}>
        <option value="">{t("filter.all")}</option>
        {STATES.map((state) => (
          <option key={state} value={state}>
            {t(`delivery.${state}`)}
          </option>
        ))}
      </SelectField>
      <TextField label={t("filter.from")} type="date" value={filters.from} onChange={({ target }) => change("from", target.value)} />
      <TextField label={t("filter.to")} type="date" value={filters.to} onChange={({ target }) => change("to", target.value)} />
    </search>
  );
}
