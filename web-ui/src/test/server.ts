import { HttpResponse, http, type JsonBodyType } from "msw";
import { setupServer } from "msw/node";
import type { paths } from "@/api/schema";

export const server = setupServer();

type Method = "get" | "post" | "put" | "patch" | "delete";
type Ok<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 | 202 ? (R[S] extends { content: { "application/json": infer B } } ? B : never) : never }[keyof R]
  : never;

/** The body that the box's contract promises for an operation. */
export type Body<P extends keyof paths, M extends Method> = Ok<paths[P][M]>;

type Asked = { url: URL; body: unknown; headers: Headers; params: Record<string, string> };

/** Answers an operation; what is answered is checked against the box's contract when this is compiled. */
export function answer<P extends keyof paths & string, M extends Method>(
  method: M,
  path: P,
  body: Body<P, M> | ((asked: Asked) => Body<P, M> | Response),
  status = 200,
): void {
  const address = `*${path.replace(/\{(\w+)\}/g, ":$1")}`;
  server.use(
    http[method](address, async ({ request, params }) => {
      if (typeof body !== "function") return HttpResponse.json(body as JsonBodyType, { status });
      const text = await request.clone().text();
      const asked: Asked = {
        url: new URL(request.url),
        body: text.startsWith("{") ? JSON.parse(text) : text,
        headers: request.headers,
        params: params as Record<string, string>,
      };
      const made = (body as (asked: Asked) => unknown)(asked);
      return made instanceof Response ? made : HttpResponse.json(made as JsonBodyType, { status });
    }),
  );
}

/** Refuses with problem details. */
export function refusal(status: number, members: Record<string, unknown> = {}, headers: Record<string, string> = {}): Response {
  const problem = { type: "about:blank", title: "Refused", status, detail: "", instance: "/", trace_id: "t-1", ...members };
  return HttpResponse.json(problem, { status, headers: { "content-type": "application/problem+json", ...headers } });
}

/** An operation that refuses. */
export function refuse(method: Method, path: keyof paths & string, status: number, members: Record<string, unknown> = {}): void {
  server.use(http[method](`*${path.replace(/\{(\w+)\}/g, ":$1")}`, () => refusal(status, members)));
}

/** The line is cut. */
export function cut(method: Method, path: keyof paths & string): void {
  server.use(http[method](`*${path.replace(/\{(\w+)\}/g, ":$1")}`, () => HttpResponse.error()));
}

/** An operation without a body. */
export function empty(method: Method, path: keyof paths & string, status = 204): { calls: Asked[] } {
  const calls: Asked[] = [];
  server.use(
    http[method](`*${path.replace(/\{(\w+)\}/g, ":$1")}`, async ({ request, params }) => {
      const text = await request.clone().text();
      calls.push({
        url: new URL(request.url),
        body: text.startsWith("{") ? JSON.parse(text) : text,
        headers: request.headers,
        params: params as Record<string, string>,
      });
      return new HttpResponse(null, { status });
    }),
  );
  return { calls };
}
