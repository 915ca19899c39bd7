import { act, fireEvent, render, renderHook } from "@testing-library/react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { currentSession } from "@/api/session";
import { useWakeLock } from "@/features/upload/useWakeLock";
import { signInAs } from "@/test/page";
import { empty } from "@/test/server";
import { useIdleLock } from "./useIdleLock";
import { useShortcuts } from "./useShortcuts";

beforeEach(() => void empty("post", "/api/v1/auth/logout", 204));
afterEach(() => vi.useRealTimers());

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
