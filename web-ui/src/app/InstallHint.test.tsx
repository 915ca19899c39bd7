import { act, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { JobView } from "@/features/upload/protocol";
import type { Uploads } from "@/features/upload/uploads";
import { listenForInstall } from "@/pwa/install";
import { show } from "@/test/page";
import { InstallHint } from "./InstallHint";

/** What the page knows of uploads: one is done. */
const after = (kind: "done" | "sending") => {
  const jobs = [{ state: { kind } } as JobView];
  return { subscribe: () => () => undefined, snapshot: () => jobs } as unknown as Uploads;
};

/** The browser says that the page can be installed. Gives what it heard. */
function offer(outcome: "accepted" | "dismissed") {
  const prompt = vi.fn(async () => ({ outcome }));
  const event = Object.assign(new Event("beforeinstallprompt", { cancelable: true }), { prompt });
  act(() => void dispatchEvent(event));
  return { prompt, event };
}

const HINT = /app on this device|install/i;

beforeAll(listenForInstall);
beforeEach(() => localStorage.clear());
afterEach(() => act(() => void dispatchEvent(new Event("appinstalled"))));

test("it is offered once a study is sent and the browser can, and a click asks the browser", async () => {
  show([{ path: "/", element: <InstallHint /> }], "/", after("done"));
  expect(screen.queryByText(HINT)).toBeNull();
  const { prompt, event } = offer("accepted");
  expect(event.defaultPrevented, "the browser's own bar is kept back").toBe(true);
  const [, yes] = screen.getAllByRole("button");
  await userEvent.click(yes as HTMLElement);
  expect(prompt).toHaveBeenCalledOnce();
  expect(screen.queryAllByRole("button")).toEqual([]);
});

test("nobody is asked before their first study is sent", () => {
  show([{ path: "/", element: <InstallHint /> }], "/", after("sending"));
  offer("accepted");
  expect(screen.queryAllByRole("button")).toEqual([]);
});

test("after three refusals, here or in the browser's own question, it is not offered again", async () => {
  show([{ path: "/", element: <InstallHint /> }], "/", after("done"));
  for (const where of ["here", "browser", "here"]) {
    offer("dismissed");
    const [later, yes] = await screen.findAllByRole("button");
    await userEvent.click((where === "here" ? later : yes) as HTMLElement);
  }
  offer("dismissed");
  expect(screen.queryAllByRole("button")).toEqual([]);
});
