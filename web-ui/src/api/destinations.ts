import { api, call } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];

/** `keep`: signs in there as it does now; only for a destination that is there. */
export type DestinationForm = { name: string; url: string; kind: "keep" | "none" | "basic" | "bearer"; user: string; secret: string };

function authOf({ kind, user, secret }: DestinationForm): Schemas["AuthSettings"] {
  if (kind === "basic") return { kind, user, password: secret };
  return kind === "bearer" ? { kind, token: secret } : { kind: "none" };
}

/** A DICOMweb destination as the box takes it. */
export function addDestination(form: DestinationForm): Promise<Schemas["Destination"]> {
  return call(api.POST("/api/v1/destinations", { body: { name: form.name, kind: "stow", url: form.url, auth: authOf(form) } }));
}

const named = (name: string) => ({ params: { path: { name } } });

/** What signs in in one way; null forgets it. */
const NO_AUTH = { user: null, password: null, token: null, token_url: null, client_id: null, client_secret: null, scope: null };

/** Another address or other credentials for a destination that is there. */
export function changeDestination(form: DestinationForm): Promise<Schemas["Destination"]> {
  const auth = form.kind === "keep" ? {} : { auth: { ...NO_AUTH, certificate: null, key: null, ...authOf(form) } };
  return call(api.PATCH("/api/v1/destinations/{name}", { ...named(form.name), body: { url: form.url, ...auth } }));
}

export const testDestination = (name: string) => call(api.POST("/api/v1/destinations/{name}/echo", named(name)));
