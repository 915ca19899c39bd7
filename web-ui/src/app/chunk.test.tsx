import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { show } from "@/test/page";
import { server } from "@/test/server";
import { ChunkError } from "./ChunkError";

let reloads = 0;
const heard: unknown[] = [];
const hear = (event: Event) => heard.push((event as CustomEvent).detail);

beforeEach(() => {
  reloads = 0;
  heard.length = 0;
  sessionStorage.clear();
  vi.spyOn(location, "reload").mockImplementation(() => {
    reloads += 1;
  });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  addEventListener("relaypacs-error", hear);
});

afterEach(() => removeEventListener("relaypacs-error", hear));

const healthz = (answer: () => Response) => server.use(http.get("*/healthz", answer));
const open = (error: Error) =>
  show([{ errorElement: <ChunkError framed />, children: [{ path: "/", lazy: () => Promise.reject(error) }] }], "/");
const missing = () => new TypeError("Failed to fetch dynamically imported module: /assets/StudyPage-1.js");

test("a page whose files cannot be had while the box is away says that it needs the box", async () => {
  healthz(() => HttpResponse.error());
  open(missing());
  expect(await screen.findByRole("heading", { name: "This page needs the box" })).toBeTruthy();
  expect(screen.getByText("The box does not answer")).toBeTruthy();
  expect([reloads, heard]).toEqual([0, []]);
});

test("a page whose files an update replaced is loaded anew, once", async () => {
  healthz(() => HttpResponse.json({ status: "ok" }));
  const first = open(missing());
  await waitFor(() => expect(reloads).toBe(1));
  first.unmount();
  open(missing());
  expect(await screen.findByRole("heading", { name: "Something went wrong" })).toBeTruthy();
  expect([reloads, heard]).toEqual([1, []]);
});

test("a page that fails otherwise is told to the error tracker, and never by its raw words", async () => {
  const error = new Error("x is undefined of DOE^JANE");
  open(error);
  expect(await screen.findByRole("heading", { name: "Something went wrong" })).toBeTruthy();
  expect(screen.queryByText(/DOE/)).toBeNull();
  expect(heard).toEqual([error]);
});
