import { useState } from "react";
import type { StudyDetail } from "@/api/types";
import { useT } from "@/i18n/useT";
import { Section } from "@/ui/Page";
import { Preview } from "./Preview";

type Series = StudyDetail["series"][number];

/** The series of a study; one is looked at. */
export function SeriesViewer({ uid, series }: { uid: string; series: Series[] }) {
  const t = useT();
  const [chosen, setChosen] = useState(0);
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
                <span className="block text-xs">{t("images.count", { n: one.instances.length })}</span>
              </button>
            </li>
          ))}
        </ul>
        {current && <Preview key={current.series_instance_uid} uid={uid} series={current} />}
      </div>
    </Section>
  );
}
