import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Stats, Trend } from "@/api/types";
import { show, signInAs } from "@/test/page";
import { answer, refuse } from "@/test/server";
import { DashboardPage } from "./DashboardPage";
import { levels, slices, successShare, trendRows } from "./data";

const STATS: Stats = {
  period: "1w",
  total_uploads: 128,
  successful_uploads: 121,
  failed_uploads: 7,
  success_rate: 94.5,
  total_bytes: 8_400_000_000,
  modality: { CT: 60, MR: 40, DX: 28 },
  service_level: { stat: 8, routine: 120 },
  source: { http: 40, dicom: 88 },
  destinations: {},
  last_updated: "2026-01-02T03:04:05Z",
} as Stats;
const TREND: Trend = {
  period: "1w",
  data: [{ date: "2026-01-01", count: 5, failed: 1, bytes: 10 }],
  summary: { count: 5, failed: 1, bytes: 10 },
} as Trend;

let asked: string[] = [];

beforeEach(() => {
  asked = [];
  answer("get", "/api/v1/upload/stats", ({ url }) => {
    asked.push(url.searchParams.get("period") ?? "");
    return STATS;
  });
  answer("get", "/api/v1/upload/stats/trend", TREND);
});

afterEach(() => vi.useRealTimers());

test("slices: largest first, what is beyond the fifth is one, nothing gives nothing", () => {
  expect(slices({ CT: 1, MR: 3 })).toEqual([
    { key: "MR", count: 3, share: 0.75 },
    { key: "CT", count: 1, share: 0.25 },
  ]);
  expect(slices({ A: 9, B: 8, C: 7, D: 6, E: 5, F: 4, G: 0 }).map(({ key, count }) => [key, count])).toEqual([
    ["A", 9],
    ["B", 8],
    ["C", 7],
    ["D", 6],
    ["other", 9],
  ]);
  expect(slices({ B: 1, A: 1 }).map(({ key }) => key)).toEqual(["A", "B"]);
  expect(slices({})).toEqual([]);
});

test("levels stand in order of urgency, also unused ones", () => {
  expect(levels(STATS)).toEqual([
    { key: "stat", count: 8 },
    { key: "emergency", count: 0 },
    { key: "routine", count: 120 },
    { key: "subspecialty", count: 0 },
  ]);
});

test("a long trend is joined by week, and loses nothing", () => {
  const data = Array.from({ length: 100 }, (_, n) => ({ date: `d${n}`, count: 3, failed: 1, bytes: 10 }));
  const rows = trendRows({ ...TREND, data });
  expect(rows).toHaveLength(15);
  expect(rows[0]).toEqual({ date: "d0", good: 14, failed: 7, bytes: 70 });
  expect(rows.reduce((sum, { good, failed }) => sum + good + failed, 0)).toBe(300);
  expect(trendRows(TREND)).toEqual([{ date: "2026-01-01", good: 4, failed: 1, bytes: 10 }]);
});

test("the success rate is what succeeded of what there was", () => {
  expect(successShare(STATS)).toBeCloseTo(0.945, 3);
  expect(successShare({ ...STATS, total_uploads: 0 })).toBeNull();
});

test("four cards, and a period of one's choice", async () => {
  await signInAs();
  show([{ path: "/dashboard", element: <DashboardPage /> }], "/dashboard");
  expect((await screen.findByTestId("card-total")).textContent).toBe("128");
  expect(screen.getByTestId("card-success").textContent).toBe("94.5%");
  expect(screen.getByTestId("card-failed").textContent).toBe("7");
  expect(screen.getByTestId("card-volume").textContent).toMatch(/8\.4\s?GB/);
  await userEvent.click(await screen.findByRole("button", { name: "3M" }));
  await waitFor(() => expect(asked).toEqual(["1w", "3m"]));
  await userEvent.click(await screen.findByTitle("Refresh Statistics"));
  await waitFor(() => expect(asked.length).toBeGreaterThan(2));
  await userEvent.click((await screen.findAllByRole("button", { name: /: Table$/ }))[0] as HTMLElement);
  expect(screen.getByRole("cell", { name: "CT" })).toBeTruthy();
});

test("figures are asked for anew each minute", async () => {
  await signInAs();
  vi.useFakeTimers({ shouldAdvanceTime: true });
  show([{ path: "/dashboard", element: <DashboardPage /> }], "/dashboard");
  await vi.waitFor(() => expect(asked).toEqual(["1w"]), { timeout: 30_000 });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2000);
  await vi.waitFor(() => expect(asked).toHaveLength(2), { timeout: 30_000 });
});

test("an admin takes the table along; others are not offered it", async () => {
  await signInAs();
  answer(
    "get",
    "/api/v1/upload/stats/export",
    (() => new HttpResponse("date,count\n", { headers: { "content-type": "text/csv" } })) as never,
  );
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
  const first = show([{ path: "/dashboard", element: <DashboardPage /> }], "/dashboard");
  await userEvent.click(await screen.findByRole("button", { name: "Export CSV" }));
  await waitFor(() => expect(made).toHaveBeenCalled());
  first.unmount();
  await signInAs({ role: "clinician" });
  show([{ path: "/dashboard", element: <DashboardPage /> }], "/dashboard");
  await screen.findByTestId("card-total");
  expect(screen.queryByRole("button", { name: "Export CSV" })).toBeNull();
});

test("nothing sent yet, and a box that refuses, are said", async () => {
  await signInAs();
  answer("get", "/api/v1/upload/stats", { ...STATS, total_uploads: 0, successful_uploads: 0 });
  const first = show([{ path: "/dashboard", element: <DashboardPage /> }], "/dashboard");
  expect(await screen.findByText("Nothing was sent in this time")).toBeTruthy();
  first.unmount();
  refuse("get", "/api/v1/upload/stats", 429, { title: "Too many" });
  show([{ path: "/dashboard", element: <DashboardPage /> }], "/dashboard");
  expect(await screen.findByText("Too many requests")).toBeTruthy();
});
