import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import type { DraftStudy } from "@/store/draft";
import { seriesOf, sizeOf } from "../engine/chosen";
import { nameOf } from "../name";

/** What was recognised in a study's files. */
export function SeriesList({ study }: { study: DraftStudy }) {
  const t = useT();
  const format = useFormat();
  const series = seriesOf(study);
  return (
    <div className="text-sm">
      <p className="text-muted">
        {t("files.count", { n: study.files.length })} · {format.bytes(sizeOf(study))}
        {series.length > 0 && ` · ${t("series.count", { n: series.length })}`}
      </p>
      {series.length === 0 && (
        <p>
          <bdi>{nameOf(study)}</bdi>
        </p>
      )}
      {study.files.some(({ head, name }) => !head && /\.zip$/i.test(name)) && <p className="text-muted">{t("draft.zip")}</p>}
      <ul>
        {series.slice(0, 20).map((one) => (
          <li key={one.uid} className="flex justify-between gap-3 border-t border-line py-1">
            <span>
              {one.modality} {one.number && <span className="text-muted">#{one.number}</span>} <bdi>{one.description}</bdi>
            </span>
            <span className="shrink-0 text-muted">{t("files.count", { n: one.files })}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
