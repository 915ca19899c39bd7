import { useState } from "react";
import type { StudyDetail } from "@/api/types";
import { type T, useT } from "@/i18n/useT";
import { Section } from "@/ui/Page";
import { Preview } from "./Preview";

type Series = StudyDetail["series"][number];

const isImage = ({ rows }: Series["instances"][number]) => rows !== null;

/** How many images, and how many documents where there are some: what is sent with an upload comes as one. */
export function countOf(series: Series[], t: T): string {
  const instances = series.flatMap((one) => one.instances);
  const images = instances.filter(isImage).length;
  const documents = instances.length - images;
  const counts = [];
  if (images > 0 || documents === 0) counts.push(t("images.count", { n: images }));
  if (documents > 0) counts.push(t("documents.count", { n: documents }));
  return counts.join(" + ");
}

/** The series of a study; one is looked at. */
export function SeriesViewer({ uid, series }: { uid: string; series: Series[] }) {
  const t = useT();
  const [chosen, setChosen] = useState(() =>
    Math.max(
      0,
      series.findIndex(({ instances }) => instances.some(isImage)),
    ),
  );
  const current = series[chosen];
  return (
    <Section title={t("study.series")}>
      <div className="grid gap-5 lg:grid-cols-[18rem_1fr]">
        <ul className="flex flex-col gap-1">
          {series.map((one, place) => (
            <li key={one.series_instance_uid ?? place}>
              <button
                type="button"
                aria-pressed={place === chosen}
                onClick={() => setChosen(place)}
                className={`w-full rounded-lg px-3 py-2 text-start text-sm ${place === chosen ? "bg-accent-soft text-accent-strong" : "hover:bg-sunken"}`}
              >
                <span className="font-semibold">
                  {one.modality} {one.number !== null && `#${one.number}`}
                </span>{" "}
                <bdi>{one.description}</bdi>
                <span className="block text-xs">{countOf([one], t)}</span>
              </button>
            </li>
          ))}
        </ul>
        {current?.instances.some(isImage) ? (
          <Preview key={current.series_instance_uid} uid={uid} series={current} />
        ) : (
          <p className="text-sm text-muted">{t("preview.document")}</p>
        )}
      </div>
    </Section>
  );
}
