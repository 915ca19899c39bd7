import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test } from "vitest";
import { problemOf } from "@/api/problem";
import { messages as english } from "@/i18n/locales/en.po";
import { messages as french } from "@/i18n/locales/fr.po";
import { useFieldErrors } from "./useFieldErrors";

afterEach(() => i18n.loadAndActivate({ locale: "en", messages: english }));

const refusal = (...errors: [string, string][]) =>
  problemOf(422, { errors: errors.map(([pointer, detail]) => ({ pointer, detail })) }, new Headers());
const shown = (error: unknown) =>
  renderHook(() => useFieldErrors(error, ["url", "name"]), {
    wrapper: ({ children }: { children: ReactNode }) => <I18nProvider i18n={i18n}>{children}</I18nProvider>,
  }).result;

test("a refused field says why in the reader's language, or as the box said it", async () => {
  i18n.loadAndActivate({ locale: "fr", messages: french });
  const result = shown(refusal(["/name", "a name is needed"], ["/url", "url is odd"]));
  await waitFor(() => expect(result.current.name).toBe("un nom est nécessaire"));
  expect(result.current.url).toBe("url is odd");
});

test("what no field of the form shows is left to be shown as a whole", () => {
  expect(shown(refusal(["/url", "url is odd"], ["/ca_file", "is missing"])).current).toEqual({});
  expect(shown(refusal(["/url", "url is odd"])).current).toEqual({ url: "url is odd" });
});
