import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { beforeEach, expect, test } from "vitest";
import { wipe } from "@/store/db";
import { recallList } from "@/store/lists";
import { signInAs } from "@/test/page";
import { empty } from "@/test/server";
import { Wire } from "@/test/wire";
import type { Live } from "./live";
import { Unreachable } from "./problem";
import { signOut } from "./session";
import { LiveContext, useLine, useOffline, useServerEvents } from "./useLive";
import { useRemembered } from "./useRemembered";
import { useRole, useSession, useUser } from "./useSession";

let wire = new Wire();

function Within({ children }: { children: ReactNode }) {
  return <LiveContext value={wire as unknown as Live}>{children}</LiveContext>;
}

beforeEach(() => {
  wire = new Wire();
});

test("the line is followed; only the box's silence is offline", () => {
  const { result } = renderHook(() => [useLine().state, useOffline()], { wrapper: Within });
  expect(result.current).toEqual(["connecting", false]);
  for (const [state, offline] of [
    ["live", false],
    ["reconnecting", false],
    ["offline", true],
  ] as const) {
    act(() => wire.become(state));
    expect(result.current).toEqual([state, offline]);
  }
});

test("without a line nothing is said to be offline", () => {
  expect(renderHook(() => [useLine().state, useOffline()]).result.current).toEqual(["connecting", false]);
});

test("events reach the newest handler, and none once the screen is left", () => {
  const heard: string[] = [];
  const { rerender, unmount } = renderHook(({ who }) => useServerEvents(({ data }) => heard.push(`${who} ${data}`)), {
    wrapper: Within,
    initialProps: { who: "first" },
  });
  wire.tell({ event: "study", data: "1", id: "1" });
  rerender({ who: "second" });
  wire.tell({ event: "study", data: "2", id: "2" });
  expect(heard).toEqual(["first 1", "second 2"]);
  unmount();
  expect(wire.heard).toBe(0);
});

function Queries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>;
}

beforeEach(async () => {
  await signInAs();
  await wipe("u1");
});

type Asked = { rows: string[] | undefined; error: unknown };

test("rows are kept; while the box cannot be reached the kept ones stand in, with their age", async () => {
  const seen = renderHook(({ rows, error }: Asked) => useRemembered<string>("studies", rows, error), {
    wrapper: Queries,
    initialProps: { rows: ["a", "b"], error: null } as Asked,
  });
  expect(seen.result.current).toEqual({ rows: ["a", "b"], asOf: null });
  await waitFor(async () => expect((await recallList("u1", "studies"))?.rows).toEqual(["a", "b"]));
  seen.unmount();
  const later = renderHook(({ rows, error }: Asked) => useRemembered<string>("studies", rows, error), {
    wrapper: Queries,
    initialProps: { rows: undefined, error: new Unreachable() } as Asked,
  });
  await waitFor(() => expect(later.result.current.rows).toEqual(["a", "b"]));
  expect(later.result.current.asOf).toBeGreaterThan(0);
  later.rerender({ rows: ["c"], error: null });
  expect(later.result.current).toEqual({ rows: ["c"], asOf: null });
});

test("a refusal of the box does not bring old rows back", async () => {
  const { result } = renderHook(() => useRemembered<string>("studies", undefined, new Error("refused")), { wrapper: Queries });
  expect(result.current).toEqual({ rows: undefined, asOf: null });
});

test("who is signed in, and as what; nobody after signing out", async () => {
  empty("post", "/api/v1/auth/logout");
  const { result } = renderHook(() => ({ session: useSession(), admin: useRole("admin"), reader: useRole("radiologist", "clinician") }));
  expect([result.current.session.kind, result.current.admin, result.current.reader]).toEqual(["signed_in", true, false]);
  const user = renderHook(() => useUser().username);
  expect(user.result.current).toBe("kim");
  user.unmount();
  await act(() => signOut());
  expect([result.current.session.kind, result.current.admin]).toEqual(["signed_out", false]);
  expect(() => renderHook(() => useUser())).toThrow("no one is signed in here");
});
