import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useState } from "react";
import { ApiProblem } from "@/api/problem";
import type { StudyDetail } from "@/api/types";
import { useT } from "@/i18n/useT";
import { BoxWords } from "@/ui/BoxWords";
import { Button } from "@/ui/Button";
import { Trouble } from "@/ui/StateView";
import { previewQuery, type View } from "./api";

type Series = StudyDetail["series"][number];

/** Windows people reach for; centre and width in Hounsfield units. */
const WINDOWS = [
  { id: "soft", wc: 40, ww: 400 },
  { id: "lung", wc: -600, ww: 1500 },
  { id: "bone", wc: 400, ww: 1800 },
  { id: "brain", wc: 40, ww: 80 },
] as const;

/** The images of a series: instance, frame and window. For looking whether it is the right study, not for diagnosis. */
export function Preview({ uid, series }: { uid: string; series: Series }) {
  const t = useT();
  // The middle of a series shows more of the patient than its first image, which is often air.
  const [place, setPlace] = useState((series.instances.length - 1) >> 1);
  const [view, setView] = useState<View>({ frame: 1, wc: null, ww: null });
  const instance = series.instances[place];
  const frames = instance?.frames ?? 1;
  const settled = useDeferredValue({ place, view });
  const shown = series.instances[settled.place];
  const image = useQuery({
    ...previewQuery(uid, shown?.sop_instance_uid ?? "", settled.view),
    enabled: shown !== undefined,
    placeholderData: keepPreviousData,
  });
  const url = useObjectUrl(image.data);
  const ct = series.modality === "CT";
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="flex aspect-square max-h-[32rem] w-full items-center justify-center self-center overflow-hidden rounded-xl bg-black">
        {url && !image.error && (
          <img
            src={url}
            alt={t("preview.alt", { n: place + 1, of: series.instances.length })}
            className="max-h-full max-w-full object-contain"
          />
        )}
        {image.error && (
          <div className="m-4 max-w-md">
            {image.error instanceof ApiProblem && image.error.status < 500 ? (
              <p className="rounded-lg bg-surface p-4 text-sm">
                {t("preview.none")} <BoxWords text={image.error.detail} />
              </p>
            ) : (
              <Trouble error={image.error} retry={() => void image.refetch()} compact />
            )}
          </div>
        )}
      </div>
      <Slider
        label={t("preview.image")}
        min={1}
        max={series.instances.length}
        value={place + 1}
        shown={`${place + 1}/${series.instances.length}`}
        change={(value) => {
          setPlace(value - 1);
          setView({ ...view, frame: 1 });
        }}
      />
      {frames > 1 && (
        <Slider
          label={t("preview.frame")}
          min={1}
          max={frames}
          value={view.frame}
          shown={`${view.frame}/${frames}`}
          change={(frame) => setView({ ...view, frame })}
        />
      )}
      <Slider
        label={t("preview.centre")}
        min={-1024}
        max={3071}
        value={view.wc ?? 40}
        shown={view.wc === null ? "–" : `${view.wc}`}
        change={(wc) => setView({ ...view, wc, ww: view.ww ?? 400 })}
      />
      <Slider
        label={t("preview.width")}
        min={1}
        max={4096}
        value={view.ww ?? 400}
        shown={view.ww === null ? "–" : `${view.ww}`}
        change={(ww) => setView({ ...view, ww, wc: view.wc ?? 40 })}
      />
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => setView({ ...view, wc: null, ww: null })}>{t("preview.auto")}</Button>
        {ct &&
          WINDOWS.map(({ id, wc, ww }) => (
            <Button key={id} onClick={() => setView({ ...view, wc, ww })}>
              {t(`window.${id}`)}
            </Button>
          ))}
      </div>
      <p className="text-xs text-muted">{t("preview.note")}</p>
    </div>
  );
}

function Slider({
  label,
  min,
  max,
  value,
  shown,
  change,
}: {
  label: string;
  min: number;
  max: number;
  value: number;
  shown: string;
  change: (value: number) => void;
}) {
  if (max <= min) return null;
  return (
    <label className="flex items-center gap-3 text-sm">
      <span className="w-24 shrink-0 text-muted sm:w-32">{label}</span>
      <input
        type="range"
        min={min}
        max={max}
        value={value}
        onChange={({ target }) => change(Number(target.value))}
        className="h-6 min-w-0 flex-1 accent-accent"
      />
      <output className="min-w-14 shrink-0 text-end">{shown}</output>
    </label>
  );
}

function useObjectUrl(blob: Blob | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!blob) return setUrl(null);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
