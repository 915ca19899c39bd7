import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { act, render, renderHook, screen, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { wipe } from "@/store/db";
import { type Draft, listDrafts, loadDraft, saveDraft } from "@/store/draft";
import type { Job, JobState } from "@/store/job";
import { MemoryBox } from "@/test/box";
import { dicomFile } from "@/test/dicom";
import { signInAs } from "@/test/page";
import { installWorker } from "@/test/worker";
import { AnnouncerProvider } from "@/ui/Announcer";
import { newDraft } from "./engine/chosen";
import { type JobView, viewOf } from "./protocol";
import { Uploads } from "./uploads";
import { useAnnounceJob } from "./useAnnounceJob";
import { useChoose } from "./useChoose";
import { useDraft } from "./useDraft";
import { UploadsContext, useJob, useUploads } from "./useUploads";

let uploads: Uploads;
let restore: () => void;

beforeEach(async () => {
  restore = installWorker(new MemoryBox().transport);
  const user = await signInAs();
  await wipe(user.id);
  uploads = new Uploads(user.id);
});

afterEach(() => {
  vi.useRealTimers();
  uploads.close();
  restore();
});

const within = ({ children }: { children: ReactNode }) => <UploadsContext value={uploads}>{children}</UploadsContext>;

/** A draft of one study without a byte. */
async function draftOf(id: string): Promise<Draft> {
  const head = { studyUid: "1.2", seriesUid: "1.2.1", sopUid: "1.2.1.1", patientName: "DOE^JOHN", patientId: "P", studyDate: "20260102" };
  const rest = { modality: "CT", age: "", sex: "", studyDescription: "", seriesDescription: "", seriesNumber: "1" };
  const draft = newDraft(id, [{ fileId: "f1", name: "IM1", size: 8, head: { ...head, ...rest } }], [], { serviceLevel: "routine" });
  await saveDraft("u1", draft);
  return draft;
}

const typed = (draft: Draft, clinicalHistory: string) => ({ ...(draft.studies[0] as Draft["studies"][number]).form, clinicalHistory });
const kept = async (id: string) => (await loadDraft("u1", id))?.studies[0]?.form.clinicalHistory;

test("a draft is loaded once, saved within two seconds of a change, and not while nothing changes", async () => {
  const draft = await draftOf("d1");
  let tick: () => void = () => undefined;
  const real = globalThis.setInterval;
  vi.spyOn(globalThis, "setInterval").mockImplementation(((run: () => void, ms: number) => {
    if (ms !== 2000) return real(run, ms);
    tick = run;
    return 0;
  }) as never);
  const { result } = renderHook(() => useDraft("d1"));
  await waitFor(() => expect(result.current.loaded.kind).toBe("draft"));
  const before = (await loadDraft("u1", "d1"))?.savedAt;
  tick();
  tick();
  expect((await loadDraft("u1", "d1"))?.savedAt).toBe(before);
  act(() => result.current.setForm(draft.studies[0]?.key ?? "", typed(draft, "cough")));
  expect(await kept("d1")).toBe("");
  tick();
  await waitFor(async () => expect(await kept("d1")).toBe("cough"));
});

test("what was typed last is saved when the page is left, and when it is put away by the phone", async () => {
  const draft = await draftOf("d2");
  const key = draft.studies[0]?.key ?? "";
  const { result, unmount } = renderHook(() => useDraft("d2"));
  await waitFor(() => expect(result.current.loaded.kind).toBe("draft"));
  act(() => result.current.setForm(key, typed(draft, "one")));
  dispatchEvent(new Event("pagehide"));
  await waitFor(async () => expect(await kept("d2")).toBe("one"));
  act(() => result.current.setForm(key, typed(draft, "two")));
  unmount();
  await waitFor(async () => expect(await kept("d2")).toBe("two"));
});

test("a draft that was sent is not saved again; one that is gone is said to be", async () => {
  const draft = await draftOf("d3");
  const { result, unmount } = renderHook(() => useDraft("d3"));
  await waitFor(() => expect(result.current.loaded.kind).toBe("draft"));
  act(() => result.current.set({ ...draft, patientsConfirmed: true }));
  expect(result.current.latest()?.patientsConfirmed).toBe(true);
  result.current.drop();
  unmount();
  expect((await loadDraft("u1", "d3"))?.patientsConfirmed).toBe(false);
  const gone = renderHook(() => useDraft("nothing"));
  await waitFor(() => expect(gone.result.current.loaded.kind).toBe("missing"));
  expect(renderHook(() => useDraft(undefined)).result.current.loaded.kind).toBe("loading");
});

const list = (...files: File[]) => files as unknown as FileList;

test("chosen files become a stored draft; no files change nothing; what is no DICOM is named", async () => {
  const done: Draft[] = [];
  const { result } = renderHook(() => useChoose((draft) => done.push(draft)), { wrapper: within });
  await act(() => result.current.picked(list()));
  expect(result.current.state).toEqual({ kind: "idle" });
  await act(() => result.current.picked(list(new File(["text"], "notes.txt"))));
  expect(result.current.state).toEqual({ kind: "nothing", ignored: [{ name: "notes.txt", reason: "not_dicom" }] });
  await act(() => result.current.picked(list(dicomFile({ name: "DOE^JOHN" }))));
  expect(result.current.state).toEqual({ kind: "idle" });
  expect(done.map(({ studies }) => studies.length)).toEqual([1]);
  await waitFor(async () => expect((await listDrafts("u1")).map(({ stored }) => stored)).toEqual([true]));
});

test("a browser that is full is told apart from what else can fail", async () => {
  const { result } = renderHook(() => useChoose(() => undefined), { wrapper: within });
  for (const [error, full] of [
    [new DOMException("no room", "QuotaExceededError"), true],
    [new Error("else"), false],
  ] as const) {
    vi.spyOn(uploads, "scan").mockRejectedValueOnce(error);
    await act(() => result.current.picked(list(dicomFile())));
    expect(result.current.state).toEqual({ kind: "failed", full });
  }
});

test("a job is found by its id; without the uploader it is a mistake of the code", () => {
  expect(renderHook(() => useJob("none"), { wrapper: within }).result.current).toBeUndefined();
  expect(renderHook(() => useUploads(), { wrapper: within }).result.current).toBe(uploads);
  expect(() => renderHook(() => useUploads())).toThrow("below the guard");
});

const JOB = viewOf({
  id: "j1",
  createdAt: 1,
  metadata: { patient_name: "DOE^JOHN", study_date: "2026-01-02", modality: "CT", service_level: "routine" },
  state: { kind: "queued" },
  upload: null,
  totalBytes: 100,
  acknowledged: 0,
  files: [],
} as unknown as Job);

function Heard({ children }: { children: ReactNode }) {
  return (
    <I18nProvider i18n={i18n}>
      <AnnouncerProvider>{children}</AnnouncerProvider>
    </I18nProvider>
  );
}

function Spoken({ job }: { job: JobView | undefined }) {
  useAnnounceJob(job);
  return null;
}

test("who does not see the page hears the start, each tenth or half a minute, and the end, once each", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { rerender } = render(<Spoken job={undefined} />, { wrapper: Heard });
  const said = (moved: number, state: JobState) => {
    rerender(<Spoken job={{ ...JOB, moved, state }} />);
    return screen.getByTestId("announcer").textContent;
  };
  expect(screen.getByTestId("announcer").textContent).toBe("");
  const start = said(0, { kind: "sending" });
  expect(start).not.toBe("");
  expect(said(3, { kind: "sending" })).toBe(start);
  expect(said(11, { kind: "sending" })).toContain("10");
  expect(said(19, { kind: "sending" })).toContain("10");
  expect(said(35, { kind: "sending" })).toContain("30");
  vi.setSystemTime(Date.now() + 31_000);
  expect(said(36, { kind: "sending" })?.endsWith("\u00a0")).toBe(true);
  const end = said(100, { kind: "done", receipt: {} as never });
  expect(end).not.toContain("30");
  expect(said(100, { kind: "done", receipt: {} as never })).toBe(end);
});
