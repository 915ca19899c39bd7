import { i18n } from "@lingui/core";
import { screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { ApiProblem } from "@/api/problem";
import { messages } from "@/i18n/locales/en.po";
import { show } from "@/test/page";
import { Trouble } from "./StateView";

afterEach(() => i18n.activate("en"));

function said(status: number, members: Record<string, unknown>): string {
  const { unmount } = show([{ path: "/", element: <Trouble error={new ApiProblem(status, { detail: "in English", ...members })} /> }], "/");
  const text = screen.getByRole("alert").textContent ?? "";
  unmount();
  return text;
}

test("a refusal is named by its code; without one by its status, else by the box's title", () => {
  expect(said(409, { code: "taken", title: "Conflict" })).toBe("The name is takenin English");
  expect(said(403, { code: "account_disabled" })).toBe("The account is disabledin English");
  expect(said(404, {})).toBe("This does not existin English");
  expect(said(418, { title: "A teapot" })).toBe("A teapotin English");
});

test("in another language the box's English is said only where it tells what must be changed", () => {
  i18n.loadAndActivate({ locale: "fr", messages });
  expect(said(404, {})).toBe("This does not exist");
  expect(said(500, { title: "Internal error", trace_id: "t-9" })).toBe(
    "The box refusedTry again in a moment. If it stays, tell an administrator the trace.Trace: t-9",
  );
  expect(said(422, { code: "invalid_request", errors: [{ pointer: "/email", detail: "is taken" }] })).toBe(
    "Something entered breaks a ruleis taken",
  );
});

test("what the box says of a refusal is said in the reader's language", async () => {
  i18n.loadAndActivate({ locale: "fr", messages });
  const error = new ApiProblem(409, { code: "conflict", detail: "the username is taken" });
  show([{ path: "/", element: <Trouble error={error} /> }], "/");
  await screen.findByText("ce nom d’utilisateur est déjà pris");
});
