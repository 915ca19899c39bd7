import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { signInAs } from "@/test/page";
import { answer, cut, refusal, server } from "@/test/server";
import { api, call } from "./client";

beforeEach(() => signInAs().then(() => undefined));

test("requests carry the session", async () => {
  answer("get", "/api/v1/notifications", ({ headers }) => ({
    notifications: [],
    unread_count: headers.get("authorization") === "Bearer access" ? 7 : 0,
    total: 0,
  }));
  expect((await call(api.GET("/api/v1/notifications"))).unread_count).toBe(7);
});

test("a token the box no longer takes is renewed and the request sent once more, with its body", async () => {
  const bodies: unknown[] = [];
  server.use(
    http.patch("*/api/v1/auth/me", async ({ request }) => {
      bodies.push(await request.json());
      return request.headers.get("authorization") === "Bearer fresh" ? HttpResponse.json({ ok: true }) : refusal(401);
    }),
  );
  answer("post", "/api/v1/auth/refresh", { access_token: "fresh", refresh_token: "r2", token_type: "bearer", expires_in: 900 });
  await call(api.PATCH("/api/v1/auth/me", { body: { full_name: "X" } }));
  expect(bodies).toEqual([{ full_name: "X" }, { full_name: "X" }]);
});

test("refusals and silence are told apart", async () => {
  server.use(http.get("*/api/v1/system", () => refusal(404, { detail: "gone" })));
  await expect(call(api.GET("/api/v1/system"))).rejects.toMatchObject({ name: "ApiProblem", status: 404, detail: "gone" });
  cut("get", "/api/v1/system");
  await expect(call(api.GET("/api/v1/system"))).rejects.toMatchObject({ name: "Unreachable" });
});
