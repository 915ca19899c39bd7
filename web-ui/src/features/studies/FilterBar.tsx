import { SlidersHorizontal } from "lucide-react";
import { useId, useState } from "react";
import { useLocation } from "react-router";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import type { Filters } from "./api";

const MODALITIES = ["CT", "MR", "CR", "DX", "US", "XA", "RF", "MG", "NM", "PT"];
const STATES = ["queued", "forwarding", "delivered", "retrying", "held"];

type Props = { q: string; search: (q: string) => void; filters: Filters; change: (name: keyof Filters, value: string) => void };

export function FilterBar({ q, search, filters, change }: Props) {
  const t = useT();
  const wantsSearch = (useLocation().state as { search?: boolean } | null)?.search === true;
  const rest = useId();
  const [open, setOpen] = useState(Object.values(filters).some(Boolean));
  return (
    <search className="grid gap-3 lg:grid-cols-6">
      <div>
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
      <Button className="sm:hidden" aria-expanded={open} aria-controls={rest} onClick={() => setOpen(!open)}>
        <SlidersHorizontal size={18} aria-hidden="true" /> {t("filter.more")}
      </Button>
      <div id={rest} className={`${open ? "grid" : "hidden sm:grid"} grid-cols-2 gap-3 sm:grid-cols-5 lg:contents`}>
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
        <div className="max-[399px]:col-span-2">
          <TextField label={t("filter.from")} type="date" value={filters.from} onChange={({ target }) => change("from", target.value)} />
        </div>
        <div className="max-[399px]:col-span-2">
          <TextField label={t("filter.to")} type="date" value={filters.to} onChange={({ target }) => change("to", target.value)} />
        </div>
      </div>
    </search>
  );
}
