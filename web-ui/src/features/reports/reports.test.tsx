import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse } from "msw";
import { beforeEach, expect, test, vi } from "vitest";
import type { Report } from "@/api/types";
import { recallList } from "@/store/lists";
import { show, signInAs } from "@/test/page";
import { answer, cut, empty, refuse } from "@/test/server";
import { ReportPage } from "./ReportPage";
import { ReportsPage } from "./ReportsPage";

const report = (change: Partial<Report> = {}): Report =>
  ({
    id: "r1",
    upload_id: "up1",
    study_instance_uid: "1.2.3",
    status: "ready",
    patient_name: "DOE^JANE",
    modality: "CT",
    study_description: "Chest",
    service_level: "routine",
    radiologist_name: "Dr. Osei",
    report_text: "No finding.",
    report_url: null,
    user_id: "u1",
    is_read: false,
    created_at: "2026-01-02T03:04:05Z",
    updated_at: "2026-01-02T04:04:05Z",
    ...change,
  }) as Report;

const READ = { assigned: 0, pending: 0, ready: 0, additional_data_required: 0 };

const ROUTES = [
  { path: "/reports", element: <ReportsPage /> },
  { path: "/reports/:id", element: <ReportPage /> },
];

let asked: URLSearchParams[] = [];

beforeEach(async () => {
  asked = [];
  await signInAs({ role: "clinician" });
  answer("get", "/api/v1/reports", ({ url }) => {
    asked.push(url.searchParams);
    return { reports: [report(), report({ id: "r2", status: "pending", is_read: true })], total: 120, unread: { ...READ, ready: 1 } };
  });
});

test("reports by state with what is unread, fifty at a time", async () => {
  const { router } = show(ROUTES, "/reports");
  expect(await screen.findByTestId("reports-list")).toBeTruthy();
  expect(screen.getByTestId("reports-header").textContent).toBe("My Reports");
  expect(screen.getByRole("button", { name: /^Ready.*1 unread$/ })).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  await waitFor(() => expect(asked.at(-1)?.get("offset")).toBe("50"));
  expect(await screen.findByText("2 of 3")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: /^Pending/ }));
  await waitFor(() => expect(asked.at(-1)?.get("status")).toBe("pending"));
  expect(router.state.location.search).toBe("?status=pending");
  const [ready, pending] = screen.getAllByRole("button", { name: "Download PDF" });
  expect((ready as HTMLButtonElement).disabled).toBe(false);
  expect((pending as HTMLButtonElement).disabled).toBe(true);
});

test("no report yet, and none in a state", async () => {
  answer("get", "/api/v1/reports", { reports: [], total: 0, unread: READ });
  const first = show(ROUTES, "/reports");
  expect((await screen.findByTestId("reports-empty")).textContent).toContain("No report yet");
  first.unmount();
  show(ROUTES, "/reports?status=ready");
  await userEvent.click(await screen.findByRole("button", { name: "Show everything" }));
  expect((await screen.findByTestId("reports-empty")).textContent).toContain("No report yet");
});

test("without the box the last rows are shown with their age", async () => {
  const first = show(ROUTES, "/reports");
  await screen.findByTestId("reports-list");
  await waitFor(async () => expect(await recallList("u1", "reports")).toBeTruthy());
  first.unmount();
  cut("get", "/api/v1/reports");
  show(ROUTES, "/reports");
  expect(await screen.findByText(/The box cannot be reached/)).toBeTruthy();
  expect(screen.getByTestId("reports-list")).toBeTruthy();
});

test("a PDF is fetched with its progress and saved", async () => {
  answer(
    "get",
    "/api/v1/reports/{id}/download",
    (() => new HttpResponse(new Uint8Array(1000), { headers: { "content-type": "application/pdf", "content-length": "1000" } })) as never,
  );
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
  show(ROUTES, "/reports");
  await userEvent.click((await screen.findAllByRole("button", { name: "Download PDF" }))[0] as HTMLElement);
  await waitFor(() => expect(made).toHaveBeenCalled());
  expect(made.mock.calls.map(([blob]) => (blob as Blob).size)).toEqual([1000]);
  refuse("get", "/api/v1/reports/{id}/download", 404, { code: "report-not-ready" });
  await userEvent.click((await screen.findAllByRole("button", { name: "Download PDF" }))[0] as HTMLElement);
  expect(await screen.findByText(/could not be fetched/)).toBeTruthy();
});

test("opening a report marks it read; one that is not ready can be asked for", async () => {
  answer("get", "/api/v1/reports/{id}", report({ status: "assigned", report_text: null }));
  const { calls } = empty("post", "/api/v1/reports/{id}/read");
  answer("post", "/api/v1/reports/{id}/sync", report({ status: "assigned" }) as never);
  show(ROUTES, "/reports/r1");
  expect(await screen.findByText("Assigned, not read yet.")).toBeTruthy();
  await waitFor(() => expect(calls).toHaveLength(1));
  await userEvent.click(await screen.findByRole("button", { name: "Ask now" }));
  expect(await screen.findByText("The PACS was asked just now.")).toBeTruthy();
  expect(screen.queryByRole("heading", { name: "Edit" })).toBeNull();
});

test("what a radiologist has typed stays when the report changes meanwhile; that its text changed is said", async () => {
  await signInAs({ role: "radiologist" });
  const later = report({ status: "pending", report_text: null, updated_at: "2026-01-02T05:00:00Z" });
  answer("get", "/api/v1/reports/{id}", report({ status: "assigned", report_text: null, is_read: true }));
  answer("post", "/api/v1/reports/{id}/sync", later as never);
  show(ROUTES, "/reports/r1");
  await userEvent.type(await screen.findByLabelText("Text"), "Small nodule.");
  answer("get", "/api/v1/reports/{id}", later);
  await userEvent.click(screen.getByRole("button", { name: "Ask now" }));
  expect(await screen.findByText("Being written.")).toBeTruthy();
  expect((screen.getByLabelText("Text") as HTMLTextAreaElement).value).toBe("Small nodule.");
  expect(screen.queryByText(/was changed elsewhere/)).toBeNull();
  const theirs = { ...later, report_text: "From the PACS.", updated_at: "2026-01-02T06:00:00Z" };
  answer("get", "/api/v1/reports/{id}", theirs);
  answer("post", "/api/v1/reports/{id}/sync", theirs as never);
  await userEvent.click(screen.getByRole("button", { name: "Ask now" }));
  expect(await screen.findByText(/was changed elsewhere/)).toBeTruthy();
  expect((screen.getByLabelText("Text") as HTMLTextAreaElement).value).toBe("Small nodule.");
});

test("a radiologist writes the report and moves it on", async () => {
  await signInAs({ role: "radiologist" });
  answer("get", "/api/v1/reports/{id}", report({ status: "pending", report_text: "", is_read: true }));
  let sent: unknown;
  answer("patch", "/api/v1/reports/{id}", ({ body }) => {
    sent = body;
    return report({ status: "additional_data_required" });
  });
  show(ROUTES, "/reports/r1");
  await userEvent.type(await screen.findByLabelText("Text"), "Small nodule.");
  const status = screen.getByLabelText("Status") as HTMLSelectElement;
  expect([...status.options].map(({ value }) => value)).toEqual(["pending", "ready", "additional_data_required"]);
  await userEvent.selectOptions(status, "additional_data_required");
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(sent).toEqual({ status: "additional_data_required", radiologist_name: "Dr. Osei", report_text: "Small nodule." }),
  );
  expect(await screen.findByText("The radiologist needs more data.")).toBeTruthy();
});
