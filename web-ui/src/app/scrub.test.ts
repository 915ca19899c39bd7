import type { ErrorEvent } from "@sentry/react";
import { expect, test } from "vitest";
import { scrub, scrubText, scrubUrl } from "./scrub";

const PATIENT = [
  "DOE^JANE",
  "Müller^Ana María",
  "1.2.826.0.1.3680043.10.1338.77",
  "P-1002034",
  "19800412",
  "IM0001.dcm",
  "0190a1b2-0000-7000-8000-0123456789ab",
];

test("nothing of a patient is left in a text", () => {
  for (const secret of PATIENT) {
    const text = scrubText(`cannot read ${secret} of the study`);
    expect(text).not.toContain(secret);
    expect(text).toContain("study");
  }
  expect(scrubText("no such key: 'JANE DOE'")).toBe("no such key: <text>");
});

test.each([
  ["https://box/studies/1.2.3.4?q=DOE#x", "/studies/<id>"],
  ["/assets/index-1234.js", "/assets/index-1234.js"],
  ["/settings", "/settings"],
  ["/", "/"],
])("%s is told as %s", (url, expected) => expect(scrubUrl(url)).toBe(expected));

test("an event leaves with what failed and where, and nothing else", () => {
  const frame = { filename: "/assets/index.js", lineno: 1, colno: 7, vars: { name: "DOE^JANE" }, context_line: "DOE^JANE" };
  const event = {
    type: undefined,
    message: "DOE^JANE",
    exception: {
      values: [
        { type: "TypeError", value: "x of DOE^JANE", stacktrace: { frames: [frame] } },
        { type: "ApiProblem", value: "duplicate of DOE JANE" },
      ],
    },
    breadcrumbs: [{ message: "DOE^JANE" }],
    request: { url: "https://box/reports/77?name=DOE", headers: { cookie: "DOE^JANE" }, query_string: "DOE^JANE" },
    user: { id: "u1", email: "DOE^JANE", ip_address: "10.0.0.1" },
    extra: { patient: "DOE^JANE" },
    contexts: { state: { name: "DOE^JANE" } },
  } as unknown as ErrorEvent;
  const sent = scrub(event);
  expect(JSON.stringify(sent)).not.toMatch(/DOE|10\.0\.0\.1/);
  expect(sent.exception?.values?.map(({ type, value }) => [type, value])).toEqual([
    ["TypeError", "x of <name>"],
    ["ApiProblem", "refusal"],
  ]);
  expect(sent.user).toEqual({ id: "u1" });
  expect(sent.request).toEqual({ url: "/reports/<id>" });
  expect(sent.exception?.values?.[0]?.stacktrace?.frames?.[0]).toEqual({ filename: "/assets/index.js", lineno: 1, colno: 7 });
});
