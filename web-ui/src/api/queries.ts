import { queryOptions } from "@tanstack/react-query";
import { api, call } from "./client";

// Questions that more than one feature asks.

export const systemQuery = queryOptions({ queryKey: ["system"], queryFn: () => call(api.GET("/api/v1/system")), refetchInterval: 30_000 });

export const systemPublicQuery = queryOptions({
  queryKey: ["system-public"],
  queryFn: () => call(api.GET("/api/v1/system/public")),
  staleTime: 60_000,
});

export const destinationsQuery = queryOptions({
  queryKey: ["destinations"],
  queryFn: () => call(api.GET("/api/v1/destinations")),
  refetchInterval: 60_000,
});

export const unreadQuery = queryOptions({
  queryKey: ["notifications", "unread"],
  queryFn: async () => (await call(api.GET("/api/v1/notifications", { params: { query: { limit: 1 } } }))).unread_count,
});

export const uploadStatusQuery = (id: string) =>
  queryOptions({ queryKey: ["upload", id], queryFn: () => call(api.GET("/api/v1/upload/{id}/status", { params: { path: { id } } })) });

export const certificateQuery = queryOptions({
  queryKey: ["certificate"],
  queryFn: () => call(api.GET("/api/v1/system/certificate")),
  staleTime: 60_000,
});

export const modalitiesQuery = queryOptions({
  queryKey: ["modalities"],
  queryFn: () => call(api.GET("/api/v1/modalities")),
  refetchInterval: 30_000,
});
