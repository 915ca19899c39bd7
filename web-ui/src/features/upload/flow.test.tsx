import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test } from "vitest";
import { wipe } from "@/store/db";
import { listDrafts } from "@/store/draft";
import { listJobs } from "@/store/job";
import { MemoryBox } from "@/test/box";
import { dicomFile } from "@/test/dicom";
import { show, signInAs } from "@/test/page";
import { answer } from "@/test/server";
import { installWorker } from "@/test/worker";
import { ChoosePage } from "./ChoosePage";
import { CompletePage } from "./CompletePage";
import { JobStatus } from "./components/JobStatus";
import { MetadataPage } from "./MetadataPage";
import { ProgressPage } from "./ProgressPage";
import { Uploads } from "./uploads";
import { WizardPage } from "./WizardPage";

const ROUTES = [
  { path: "/", element: <ChoosePage /> },
  { path: "/metadata/:draft", element: <MetadataPage /> },
  { path: "/upload-new/:draft?", element: <WizardPage /> },
  { path: "/progress/:id", element: <ProgressPage /> },
  { path: "/complete/:id", element: <CompletePage /> },
];

const CT = { name: "DOE^JOHN", id: "P-1", date: "20260102", modality: "CT", age: "045Y", sex: "M", study: "1.2.9" };

let box: MemoryBox;
let uploads: Uploads;
let restore: () => void;
let pacs = "queued";

beforeEach(async () => {
  box = new MemoryBox();
  restore = installWorker(box.transport);
  pacs = "queued";
  const user = await signInAs();
  await wipe(user.id);
  answer("get", "/api/v1/upload/{id}/status", () => ({
    upload_id: "up1",
    state: "complete" as const,
    progress_percent: 100,
    uploaded_bytes: 1,
    total_bytes: 1,
    chunks_received: 1,
    chunks_total: 1,
    pacs_status: pacs as "queued",
    pacs_receipt_id: null,
    study_instance_uids: ["1.2.9"],
    files: {},
  }));
  uploads = new Uploads(user.id);
});

afterEach(() => {
  uploads.close();
  restore();
});

/** The button stands outside of its form, which happy-dom does not follow. */
const submit = () => fireEvent.submit(document.getElementById("study") as HTMLFormElement);
const input = () => document.querySelector('input[type="file"]') as HTMLInputElement;
const choose = (files: File[]) => userEvent.upload(input(), files, { applyAccept: false });

test("one study: chosen, confirmed, sent, received, and proven at the PACS", async () => {
  const { router } = show(ROUTES, "/", uploads);
  await choose([dicomFile(CT), dicomFile({ ...CT, sop: "1.2.3.4.6" })]);
  expect(await screen.findByRole("heading", { name: "Confirm Metadata" })).toBeTruthy();
  const name = (await screen.findByLabelText("Patient Name")) as HTMLInputElement;
  expect(name.value).toBe("DOE^JOHN");
  expect(name.readOnly).toBe(true);
  expect((screen.getByLabelText("Study Date") as HTMLInputElement).value).toBe("2026-01-02");
  expect((screen.getByLabelText("Age (Confirm) *") as HTMLInputElement).value).toBe("45Y");
  expect((screen.getByLabelText("Modality") as HTMLSelectElement).value).toBe("CT");
  submit();
  await waitFor(() =>
    expect(screen.queryAllByRole("alert").map((one) => `${one.id}: ${one.textContent}`)).toEqual(["clinicalHistory-error: Fill this in."]),
  );
  await userEvent.type(await screen.findByLabelText("Clinical History *"), "Cough for two weeks");
  submit();
  expect(await screen.findByTestId("upload-success-message")).toHaveProperty("textContent", "Upload Successful");
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Uploading Study");
  expect(screen.getByText("100% Synchronized")).toBeTruthy();
  await waitFor(() => expect(screen.getByTestId("pacs-status-message").textContent).toContain("waits for the PACS"));
  pacs = "delivered";
  await waitFor(() => expect(screen.getByTestId("pacs-status-message").textContent).toBe("Study secured in Cloud PACS"));
  expect(screen.getByRole("button", { name: "Upload New Study" }).getAttribute("href")).toBe("/");
  expect(router.state.location.pathname).toMatch(/^\/progress\//);
  expect(await listDrafts("u1")).toEqual([]);
  const [job] = await listJobs("u1");
  expect(job?.metadata).toEqual({
    patient_name: "DOE^JOHN",
    study_date: "2026-01-02",
    modality: "CT",
    service_level: "routine",
    age: "45Y",
    gender: "M",
    study_instance_uid: "1.2.9",
  });
});

test("what is no DICOM is said once, and nothing goes on", async () => {
  const { router } = show(ROUTES, "/", uploads);
  await choose([new File(["plain text"], "notes.txt")]);
  expect((await screen.findByRole("alert")).textContent).toBe("notes.txt is not a valid DICOM file");
  expect(router.state.location.pathname).toBe("/");
});

test("a draft is kept and can be gone on with, or discarded", async () => {
  const first = show(ROUTES, "/", uploads);
  await choose([dicomFile(CT)]);
  await userEvent.type(await screen.findByLabelText("Clinical History *"), "pain");
  first.unmount();
  await waitFor(async () => expect((await listDrafts("u1"))[0]?.studies[0]?.form.clinicalHistory).toBe("pain"));
  const second = show(ROUTES, "/", uploads);
  await userEvent.click(await screen.findByRole("button", { name: "Resume" }));
  expect(((await screen.findByLabelText("Clinical History *")) as HTMLTextAreaElement).value).toBe("pain");
  second.unmount();
  show(ROUTES, "/", uploads);
  await userEvent.click(await screen.findByRole("button", { name: "Discard" }));
  const sure = within(await screen.findByRole("dialog"));
  expect(sure.getByText("DOE, JOHN")).toBeTruthy();
  await userEvent.click(await sure.findByRole("button", { name: "Discard" }));
  await waitFor(async () => expect(await listDrafts("u1")).toEqual([]));
});

test("many studies: two patients are confirmed, incomplete ones are shown, all are sent", async () => {
  show(ROUTES, "/upload-new", uploads);
  await userEvent.upload(
    screen.getByTestId("file-input"),
    [dicomFile(CT), dicomFile({ ...CT, name: "ROE^ANNA", id: "P-2", study: "1.2.10" })],
    { applyAccept: false },
  );
  const start = await screen.findByTestId("start-upload-btn");
  expect(start).toHaveProperty("disabled", true);
  await userEvent.click(await screen.findByLabelText("Yes, these belong together in this upload"));
  await userEvent.click(start);
  expect((await screen.findAllByRole("alert")).at(-1)?.textContent).toContain("not complete");
  await userEvent.type(await screen.findByTestId("clinical-history-input"), "one");
  await userEvent.click(start);
  await waitFor(() => expect((screen.getByTestId("patient-name-input") as HTMLInputElement).value).toBe("ROE^ANNA"));
  await userEvent.type(await screen.findByTestId("clinical-history-input"), "two");
  await userEvent.click(start);
  expect((await screen.findByTestId("upload-complete-banner")).textContent).toBe("Upload Complete");
  expect(box.uploads.size).toBe(2);
  expect(screen.getByRole("button", { name: "View Reports" })).toBeTruthy();
});

async function sendOne(): Promise<void> {
  show(ROUTES, "/", uploads);
  await choose([dicomFile(CT)]);
  await userEvent.type(await screen.findByLabelText("Clinical History *"), "x");
  submit();
}

test("a known study is sent again only after a second click", async () => {
  box.duplicate = true;
  await sendOne();
  expect(await screen.findByText(/by maria/)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Send anyway" }));
  expect(box.uploads.size).toBe(0);
  await userEvent.click(await screen.findByRole("button", { name: "Yes, send it again" }));
  expect(await screen.findByTestId("upload-success-message")).toBeTruthy();
});

test("a start that is refused says so, and can be tried again", async () => {
  box.faults = [{ at: /init/, answer: { status: 422, retryAfter: null, body: { detail: "study date is in the future" } } }];
  await sendOne();
  expect(await screen.findByText("Failed to start upload")).toBeTruthy();
  expect(screen.getByText("study date is in the future")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByTestId("upload-success-message")).toBeTruthy();
});

test("a full box is waited for; an upload can be paused, gone on with and cancelled", async () => {
  box.faults = [{ at: /init/, answer: { status: 507, retryAfter: null, body: {} } }];
  await sendOne();
  expect((await screen.findAllByText("Box full, making room")).length).toBeGreaterThan(0);
  await userEvent.click(await screen.findByRole("button", { name: "Pause" }));
  await userEvent.click(await screen.findByRole("button", { name: "Resume" }));
  expect(await screen.findByTestId("upload-success-message")).toBeTruthy();
});

test("cancelling deletes at the box and here", async () => {
  box.faults = Array.from({ length: 9 }, () => ({ at: /batch/, answer: "line" as const }));
  await sendOne();
  await userEvent.click(await screen.findByRole("button", { name: "Cancel upload" }));
  await userEvent.click(screen.getByRole("button", { name: "Cancel and delete" }));
  await waitFor(async () => expect(await listJobs("u1")).toEqual([]));
  await waitFor(() => expect(box.uploads.size).toBe(0));
});

test("the link of a receipt says what the box knows", async () => {
  pacs = "retrying";
  show(ROUTES, "/complete/up1", uploads);
  expect(await screen.findByText(/The PACS did not take it yet/)).toBeTruthy();
});

test("an upload of which nothing could be taken is not called received", async () => {
  const receipt = { status: "failed", reportId: null, warnings: [], processed: 0, failed: 0, files: [], completedAt: 0 };
  show([{ path: "/", element: <JobStatus state={{ kind: "done", receipt }} /> }], "/", uploads);
  expect((await screen.findByText(/\w/)).textContent).toBe("Failed");
});

test("what is no longer here is said", async () => {
  show(ROUTES, "/metadata/nothing", uploads);
  expect(await screen.findByText("This draft is no longer here.")).toBeTruthy();
});
