import { act, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import type { Live } from "@/api/live";
import type { System } from "@/api/types";
import { LiveContext } from "@/api/useLive";
import type { Uploads } from "@/features/upload/uploads";
import { show, signInAs } from "@/test/page";
import { answer, cut } from "@/test/server";
import { Wire } from "@/test/wire";
import { LiveBridge } from "./LiveBridge";
import { StatusBar } from "./StatusBar";

type Part = Partial<Omit<System, "queue">> & { queue?: Partial<System["queue"]> };
const system = (change: Part) =>
  answer("get", "/api/v1/system", { destinations: [{ name: "main", state: "up" }], queue: { held: 0 }, ...change } as never);

let wire: Wire;

beforeEach(async () => {
  wire = new Wire();
  await signInAs();
  system({});
  answer("get", "/api/v1/notifications", { notifications: [], unread_count: 3, total: 3 });
  answer("get", "/api/v1/system/public", { version: "1", setup_required: false, languages: [], limits: {} } as never);
});

const jobs = (...list: unknown[]) => ({ jobs: list, subscribe: () => () => undefined, snapshot: () => list }) as unknown as Uploads;

function open(uploads = jobs()) {
  const page = (
    <LiveContext value={wire as unknown as Live}>
      <LiveBridge />
      <StatusBar />
    </LiveContext>
  );
  return show([{ path: "/", element: page }], "/", uploads);
}

test("the bar says at once that the box is gone, and of which time what stands here is", async () => {
  open();
  act(() => wire.become("live"));
  expect(await screen.findByText("Live")).toBeTruthy();
  expect(screen.getByLabelText("System Online")).toBeTruthy();
  expect(await screen.findByText(/PACS/)).toBeTruthy();
  act(() => wire.become("offline"));
  expect(await screen.findByLabelText("System Offline")).toBeTruthy();
  expect(screen.getByText(/data of/)).toBeTruthy();
});

test("a break of the line shorter than two seconds is not worth a word", async () => {
  open();
  act(() => wire.become("live"));
  await screen.findByText("Live");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  act(() => wire.become("reconnecting"));
  act(() => void vi.advanceTimersByTime(1999));
  expect(screen.getByText("Live")).toBeTruthy();
  act(() => void vi.advanceTimersByTime(1));
  vi.useRealTimers();
  expect(screen.queryByText("Live")).toBeNull();
});

test("a PACS that is away, studies that are held, and no PACS at all are said, each with a way there", async () => {
  system({ destinations: [{ name: "main", state: "down" }] as never, queue: { held: 2 } });
  const first = open();
  expect((await screen.findByText(/main/)).className).toContain("text-bad");
  expect(screen.getByRole("link", { name: /2/ }).getAttribute("href")).toBe("/studies?state=held");
  first.unmount();
  system({ destinations: [] });
  open();
  expect((await screen.findByRole("link")).getAttribute("href")).toBe("/admin/destinations");
});

test("what is being sent stands there with its share", async () => {
  const sending = { id: "j1", state: { kind: "sending" }, totalBytes: 200, moved: 50 };
  open(jobs(sending, { ...sending, id: "j2", state: { kind: "done" } }));
  const link = await screen.findByRole("link", { name: /25/ });
  expect(link.getAttribute("href")).toBe("/progress/j1");
});

test("events make lists old, at most once a second each; after a break everything is asked anew", async () => {
  const { client } = open();
  const stale = vi.spyOn(client, "invalidateQueries");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  act(() => {
    for (let n = 0; n < 9; n += 1) wire.tell({ event: "study", data: "{}", id: String(n) });
    wire.tell({ event: "unknown", data: "{}", id: "x" });
  });
  expect(stale).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
  expect(stale.mock.calls.map(([filter]) => filter?.queryKey)).toEqual([["studies"], ["study"], ["system"]]);
  stale.mockClear();
  act(() => wire.become("live"));
  expect(stale).not.toHaveBeenCalled();
  act(() => wire.become("reconnecting"));
  act(() => wire.become("live"));
  expect(stale.mock.calls).toEqual([[]]);
});

test("the number of unread notices is the app's badge; an upload's news is merged into what is known", async () => {
  const setAppBadge = vi.fn(async () => undefined);
  const clearAppBadge = vi.fn(async () => undefined);
  Object.assign(navigator, { setAppBadge, clearAppBadge });
  const { client } = open();
  await waitFor(() => expect(setAppBadge).toHaveBeenLastCalledWith(3));
  act(() => wire.tell({ event: "unread_count", data: '{"count":7}', id: "1" }));
  await waitFor(() => expect(setAppBadge).toHaveBeenLastCalledWith(7));
  act(() => wire.tell({ event: "unread_count", data: '{"count":0}', id: "2" }));
  await waitFor(() => expect(clearAppBadge).toHaveBeenCalled());
  client.setQueryData(["upload", "u1"], { upload_id: "u1", state: "processing", total_bytes: 9 });
  act(() => wire.tell({ event: "upload", data: '{"upload_id":"u1","state":"complete"}', id: "3" }));
  expect(client.getQueryData(["upload", "u1"])).toEqual({ upload_id: "u1", state: "complete", total_bytes: 9 });
  act(() => wire.tell({ event: "notification", data: "no JSON", id: "4" }));
  Reflect.deleteProperty(navigator, "setAppBadge");
  Reflect.deleteProperty(navigator, "clearAppBadge");
});

test("where the box does not say how it is, the bar says only how the line is", async () => {
  cut("get", "/api/v1/system");
  open();
  act(() => wire.become("reconnecting"));
  await act(async () => undefined);
  expect(screen.queryByRole("link")).toBeNull();
});
