import createClient, { type Middleware } from "openapi-fetch";
import { problemOf, Unreachable } from "./problem";
import type { paths } from "./schema";
import { accessToken, replaceToken } from "./session";

/** Every request carries the session; one that the box no longer takes is renewed and sent once more. */
const authorised: Middleware = {
  async onRequest({ request }) {
    const token = await accessToken();
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    if (request.body) spare.set(request, request.clone());
    return request;
  },
  async onResponse({ request, response }) {
    if (response.status !== 401) return undefined;
    const refused = request.headers.get("Authorization")?.replace("Bearer ", "");
    const token = refused ? await replaceToken(refused) : null;
    if (!token || token === refused) return undefined;
    const again = new Request(spare.get(request) ?? request);
    again.headers.set("Authorization", `Bearer ${token}`);
    return fetch(again);
  },
  onError({ error }) {
    return error instanceof TypeError ? new Unreachable(error) : undefined;
  },
};

/** Bodies can be read once: a copy for the second try. */
const spare = new WeakMap<Request, Request>();

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "", fetch: (request) => globalThis.fetch(request) });
api.use(authorised);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of an answer, or its refusal as an [`ApiProblem`]. */
export async function call<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw problemOf(response.status, error, response.headers);
  return data as T;
}
