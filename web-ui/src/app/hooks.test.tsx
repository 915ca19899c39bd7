import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, renderHook } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import type { ReactNode } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { currentSession } from "@/api/session";
import type { User } from "@/api/types";
import { useWakeLock } from "@/features/upload/useWakeLock";
import { useFormat } from "@/i18n/format";
import { activate } from "@/i18n/i18n";
import { signInAs, USER } from "@/test/page";
import { answer, empty, server } from "@/test/server";
import { useErrorTracker } from "./useErrorTracker";
import { useIdleLock } from "./useIdleLock";
import { usePreferences } from "./usePreferences";
import { useShortcuts } from "./useShortcuts";

beforeEach(() => void empty("post", "/api/v1/auth/logout", 204));
afterEach(() => vi.useRealTimers());

const PUBLIC = { name: "box", version: "1.0.0", setup_required: false, time: "2026-01-01T00:00:00Z" };

function Keys() {
  useShortcuts();
  return <textarea aria-label="text" />;
}

test("keys: u uploads, / searches; not while someone writes or holds a modifier", async () => {
  const router = createMemoryRouter([{ path: "*", element: <Keys /> }], { initialEntries: ["/reports"] });
  const { getByLabelText, container } = render(<RouterProvider router={router} />);
  fireEvent.keyDown(getByLabelText("text"), { key: "u" });
  fireEvent.keyDown(document.body, { key: "u", ctrlKey: true });
  expect(router.state.location.pathname).toBe("/reports");
  await act(async () => void fireEvent.keyDown(document.body, { key: "/" }));
  expect(router.state.location.pathname).toBe("/studies");
  const search = document.createElement("input");
  search.type = "search";
  container.append(search);
  fireEvent.keyDown(document.body, { key: "/" });
  expect(document.activeElement).toBe(search);
  await act(async () => void fireEvent.keyDown(document.body, { key: "u" }));
  expect(router.state.location.pathname).toBe("/");
});

test("a quarter of an hour without a hand on it locks the page; a key in between puts it off", async () => {
  await signInAs();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { unmount } = renderHook(() => useIdleLock());
  vi.advanceTimersByTime(14 * 60_000);
  fireEvent.keyDown(document.body, { key: "a" });
  vi.advanceTimersByTime(14 * 60_000);
  vi.useRealTimers();
  expect(currentSession().kind).toBe("signed_in");
  unmount();
});

test("a quarter of an hour without any sign locks the page", async () => {
  await signInAs();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { unmount } = renderHook(() => useIdleLock());
  vi.advanceTimersByTime(15 * 60_000 - 1);
  expect(currentSession().kind).toBe("signed_in");
  vi.advanceTimersByTime(1);
  vi.useRealTimers();
  await vi.waitFor(() => expect(currentSession().kind).toBe("locked"), { timeout: 30_000 });
  unmount();
});

test("the account's language, look and time zone hold; what is unknown changes nothing", async () => {
  const at = "2026-01-01T12:00:00Z";
  const preferences = { ...USER.preferences, language: "fr", theme: "dark", density: "compact", time_zone: "Asia/Tokyo" };
  const { result, rerender } = renderHook(
    ({ user }: { user: User }) => {
      usePreferences(user);
      return useFormat().moment(at, "time");
    },
    {
      initialProps: { user: { ...USER, preferences } as User },
      wrapper: ({ children }: { children: ReactNode }) => <I18nProvider i18n={i18n}>{children}</I18nProvider>,
    },
  );
  const { dataset } = document.documentElement;
  await vi.waitFor(() => expect(document.documentElement.lang).toBe("fr"), { timeout: 30_000 });
  expect([dataset.theme, dataset.density]).toEqual(["dark", "compact"]);
  await vi.waitFor(() => expect(result.current).toBe("21:00:00"), { timeout: 30_000 });
  rerender({
    user: { ...USER, preferences: { ...preferences, language: "xx", theme: "loud", time_zone: "Mars/Base" } } as unknown as User,
  });
  expect([document.documentElement.lang, dataset.theme]).toEqual(["fr", "dark"]);
  const here = new Intl.DateTimeFormat("fr", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(at));
  await vi.waitFor(() => expect(result.current).toBe(here), { timeout: 30_000 });
  await activate("en");
  expect(document.documentElement.dir).toBe("ltr");
});

test("errors go to the tracker of the box, where it names one, without what they may say of a patient", async () => {
  await signInAs();
  const dsn = "http://key@127.0.0.1:9/1";
  let named = false;
  answer("get", "/api/v1/system/public", () => ({ ...PUBLIC, sentry_dsn: named ? dsn : null }) as never);
  const sent: string[] = [];
  server.use(
    http.post("*/api/v1/telemetry", async ({ request }) => {
      sent.push(`${request.headers.get("authorization")} ${await request.text()}`);
      return new HttpResponse(null, { status: 200 });
    }),
  );
  const within = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>
  );
  const fail = () => globalThis.onerror?.("x", "/assets/index.js", 1, 1, new TypeError("cannot read DOE^JANE"));
  const quiet = renderHook(() => useErrorTracker(USER), { wrapper: within });
  await act(async () => undefined);
  fail();
  quiet.unmount();
  expect(sent).toEqual([]);
  named = true;
  renderHook(() => useErrorTracker(USER), { wrapper: within });
  await vi.waitFor(
    () => {
      fail();
      expect(sent.length).toBeGreaterThan(0);
    },
    { timeout: 30_000 },
  );
  expect(sent[0]).toContain("Bearer access");
  expect(sent[0]).toContain("cannot read <name>");
  expect(sent.join()).not.toContain("DOE");
});

test("the screen stays on while something is sent, and no longer", async () => {
  const release = vi.fn(async () => undefined);
  const request = vi.fn(async () => ({ release }));
  Object.defineProperty(navigator, "wakeLock", { value: { request }, configurable: true });
  const { rerender, unmount } = renderHook(({ on }) => useWakeLock(on), { initialProps: { on: false } });
  expect(request).not.toHaveBeenCalled();
  await act(async () => rerender({ on: true }));
  expect(request).toHaveBeenCalledTimes(1);
  await act(async () => void document.dispatchEvent(new Event("visibilitychange")));
  expect(request).toHaveBeenCalledTimes(2);
  await act(async () => rerender({ on: false }));
  expect(release).toHaveBeenCalled();
  unmount();
});
