import { api, call } from "./client";
import type { components } from "./schema";

export type DestinationForm = { name: string; url: string; kind: "none" | "basic" | "bearer"; user: string; secret: string };

/** A DICOMweb destination as the box takes it. */
export function addDestination(form: DestinationForm): Promise<components["schemas"]["Destination"]> {
  const auth =
    form.kind === "basic"
      ? { kind: "basic", user: form.user, password: form.secret }
      : form.kind === "bearer"
        ? { kind: "bearer", token: form.secret }
        : { kind: "none" };
  return call(api.POST("/api/v1/destinations", { body: { name: form.name, kind: "stow", url: form.url, auth } }));
}

export const testDestination = (name: string) => call(api.POST("/api/v1/destinations/{name}/echo", { params: { path: { name } } }));
