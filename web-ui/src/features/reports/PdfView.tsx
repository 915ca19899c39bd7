import { useQuery } from "@tanstack/react-query";
import * as pdfjs from "pdfjs-dist";
import workerUrl from "pdfjs-dist/build/pdf.worker.min.mjs?url";
import { useEffect, useRef, useState } from "react";
import { useT } from "@/i18n/useT";
import { Skeleton, Trouble } from "@/ui/StateView";
import { fetchPdf } from "./api";

pdfjs.GlobalWorkerOptions.workerSrc = workerUrl;

const PAGES_AT_MOST = 30;

/** The pages of a PDF as pictures, with their text for readers that do not see them. Phones show no PDF inside a page by themselves. */
export default function PdfView({ id, version }: { id: string; version: string }) {
  const t = useT();
  const pdf = useQuery({
    queryKey: ["pdf", id, version],
    queryFn: async () => {
      const data = new Uint8Array(await (await fetchPdf(id)).arrayBuffer());
      return pdfjs.getDocument({ data, isEvalSupported: false, useWasm: false, disableFontFace: true, useSystemFonts: false }).promise;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    structuralSharing: false,
  });
  if (pdf.isPending) return <Skeleton rows={1} height="h-96" />;
  if (pdf.error) return <Trouble error={pdf.error} retry={() => void pdf.refetch()} />;
  return (
    <section aria-label={t("report.pdf")} data-testid="pdf-view" className="flex flex-col gap-4">
      {Array.from({ length: Math.min(pdf.data.numPages, PAGES_AT_MOST) }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pages are their numbers
        <PdfPage key={place} document={pdf.data} number={place + 1} />
      ))}
    </section>
  );
}

function PdfPage({ document, number }: { document: pdfjs.PDFDocumentProxy; number: number }) {
  const t = useT();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    let task: pdfjs.RenderTask | null = null;
    let gone = false;
    void document.getPage(number).then(async (page) => {
      const target = canvas.current;
      if (gone || !target) return;
      const width = target.parentElement?.clientWidth ?? 800;
      const scale = (width / page.getViewport({ scale: 1 }).width) * Math.min(devicePixelRatio, 2);
      const viewport = page.getViewport({ scale });
      target.width = viewport.width;
      target.height = viewport.height;
      task = page.render({ canvas: target, viewport });
      task.promise.catch(() => undefined);
      const content = await page.getTextContent();
      if (!gone) setText(content.items.map((item) => ("str" in item ? item.str : "")).join(" "));
    });
    return () => {
      gone = true;
      task?.cancel();
    };
  }, [document, number]);
  return (
    <div className="card overflow-hidden bg-white">
      <canvas ref={canvas} className="w-full" role="img" aria-label={t("report.pdf_number", { n: number })} />
      <p className="sr-only">{text}</p>
    </div>
  );
}
