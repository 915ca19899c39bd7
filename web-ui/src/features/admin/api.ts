import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

const at = (id: string) => ({ params: { path: { id } } });

export const usersQuery = queryOptions({ queryKey: ["users"], queryFn: () => call(api.GET("/api/v1/users")) });
export const changeUser = (id: string, change: Schemas["UserPatch"]) => call(api.PATCH("/api/v1/users/{id}", { ...at(id), body: change }));
export const deleteUser = (id: string) => call(api.DELETE("/api/v1/users/{id}", at(id)));

export const invitesQuery = queryOptions({ queryKey: ["invites"], queryFn: () => call(api.GET("/api/v1/users/invites")) });
export const invite = (body: Schemas["InviteRequest"]) => call(api.POST("/api/v1/users/invites", { body }));
export const withdrawInvite = (id: string) => call(api.DELETE("/api/v1/users/invites/{id}", at(id)));

const named = (name: string) => ({ params: { path: { name } } });
export const pauseDestination = (name: string, paused: boolean) =>
  call(api.PATCH("/api/v1/destinations/{name}", { ...named(name), body: { paused } }));
export const deleteDestination = (name: string) => call(api.DELETE("/api/v1/destinations/{name}", named(name)));

const titled = (ae_title: string) => ({ params: { path: { ae_title } } });
export const addModality = (body: Schemas["ModalitySettings"]) => call(api.POST("/api/v1/modalities", { body }));
export const deleteModality = (ae_title: string) => call(api.DELETE("/api/v1/modalities/{ae_title}", titled(ae_title)));
export const echoModality = (ae_title: string) => call(api.POST("/api/v1/modalities/{ae_title}/echo", titled(ae_title)));

export type AuditFilter = { actor: string; action: string; from: string; to: string };

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) => {
      const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ""));
      return call(api.GET("/api/v1/audit", { params: { query: { ...given, ...(pageParam ? { cursor: pageParam } : {}), limit: 100 } } }));
    },
    initialPageParam: 0,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });

export const putCertificate = (body: Schemas["CertificateUpload"]) => call(api.PUT("/api/v1/system/certificate", { body }));
