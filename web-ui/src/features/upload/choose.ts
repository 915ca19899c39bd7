import { api, call } from "@/api/client";
import { type ChosenFile, type Draft, type Head, saveDraft } from "@/store/draft";
import { fileIdOf, isSystemFile, type Picked } from "./collect";
import { newDraft } from "./engine/chosen";
import type { Uploads } from "./uploads";

export type ChooseProgress = { done: number; total: number };
export type Chosen = { kind: "draft"; draft: Draft } | { kind: "nothing"; ignored: Draft["ignored"] };

/** Heads the page cannot read are asked of the box; more than a few would be a wait. */
const INSPECT_AT_MOST = 20;

/** From chosen files to a draft; their bytes go into this browser's store from then on. */
export async function choose(
  picked: Picked[],
  uploads: Uploads,
  userId: string,
  serviceLevel: string,
  tell: (progress: ChooseProgress) => void,
): Promise<Chosen> {
  const files = picked.filter(({ name }) => !isSystemFile(name));
  const total = files.length;
  const { scan, results } = await uploads.scan(
    files.map(({ file }) => file),
    (done) => tell({ done, total }),
  );
  const chosen: { meta: ChosenFile; place: number }[] = [];
  const ignored: Draft["ignored"] = [];
  let inspected = 0;
  for (const result of results) {
    const { file, name } = files[result.place] as Picked;
    if (result.kind === "not_dicom" || result.kind === "empty") {
      ignored.push({ name, reason: result.kind });
      continue;
    }
    let head = result.kind === "dicom" ? result.head : null;
    if (result.kind === "unreadable" && inspected < INSPECT_AT_MOST) {
      inspected += 1;
      head = await inspect(file).catch(() => null);
    }
    // The size is the worker's word: here the browser would ask its other process for each file, and the page would stand still.
    chosen.push({ meta: { fileId: fileIdOf(result.place), name, size: result.size, head }, place: result.place });
  }
  if (chosen.length === 0) {
    uploads.drop(scan);
    return { kind: "nothing", ignored };
  }
  const draft = newDraft(
    crypto.randomUUID(),
    chosen.map(({ meta }) => meta),
    ignored,
    { serviceLevel },
  );
  await navigator.storage?.persist?.().catch(() => false);
  await saveDraft(userId, draft);
  uploads.keep(
    scan,
    draft.id,
    chosen.map(({ meta, place }) => ({ fileId: meta.fileId, place })),
  );
  return { kind: "draft", draft };
}

async function inspect(file: File): Promise<Head | null> {
  const answer = await call(
    api.POST("/api/v1/dicom/inspect", {
      body: file.slice(0, 1024 * 1024) as never,
      bodySerializer: (body) => body,
      headers: { "Content-Type": "application/octet-stream" },
    }),
  );
  const { study_metadata: study } = answer;
  return {
    studyUid: answer.study_instance_uid ?? study.study_instance_uid ?? "",
    seriesUid: answer.series_instance_uid ?? "",
    sopUid: answer.sop_instance_uid ?? "",
    patientName: study.patient_name,
    patientId: "",
    studyDate: (study.study_date ?? "").replaceAll("-", ""),
    modality: study.modality,
    age: study.age ?? "",
    sex: study.gender ?? "",
    studyDescription: study.study_description ?? "",
    seriesDescription: "",
    seriesNumber: "",
  };
}
