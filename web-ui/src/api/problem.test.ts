import { expect, test } from "vitest";
import { ApiProblem, fieldErrors, problemOf, retryAfter, Unreachable } from "./problem";

test("problem details become an error with all they say", () => {
  const problem = problemOf(
    409,
    { title: "Conflict", detail: "known", code: "DUPLICATE_STUDY", trace_id: "t", errors: [{ pointer: "/a/b", detail: "bad" }] },
    new Headers({ "retry-after": "3" }),
  );
  expect(problem).toMatchObject({
    status: 409,
    title: "Conflict",
    detail: "known",
    code: "DUPLICATE_STUDY",
    traceId: "t",
    retryAfterMs: 3000,
    message: "known",
  });
  expect(fieldErrors(problem)).toEqual({ b: "bad" });
});

test("a body that is no problem is no trouble", () => {
  expect(problemOf(502, "<html>", new Headers())).toMatchObject({ status: 502, title: "", message: "status 502", retryAfterMs: null });
  expect(fieldErrors(new Unreachable())).toEqual({});
  expect(new ApiProblem(500, { title: "Oops" }).message).toBe("Oops");
});

test.each([
  [null, null],
  ["5", 5000],
  ["-1", 0],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 9000],
  ["soon", null],
])("Retry-After %s", (header, expected) => expect(retryAfter(header, 1000)).toBe(expected));
