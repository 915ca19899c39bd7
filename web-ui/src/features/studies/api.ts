import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, call } from "@/api/client";

export type Filters = { modality: string; source: string; state: string; from: string; to: string };

/** A page of studies. What is searched for is sent in a body: names and ids never stand in an address. */
export const studiesQuery = (filters: Filters, q: string) =>
  infiniteQueryOptions({
    queryKey: ["studies", filters, q],
    queryFn: ({ pageParam }) => {
      const given = Object.fromEntries(
        Object.entries({ ...filters, cursor: pageParam }).filter(([, value]) => value !== ""),
      ) as Partial<Filters> & { cursor?: string };
      return q === ""
        ? call(api.GET("/api/v1/studies", { params: { query: { ...given, limit: 50 } } }))
        : call(api.POST("/api/v1/studies/search", { body: { ...given, q, limit: 50 } }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor || undefined,
  });

export const studyQuery = (uid: string) =>
  queryOptions({ queryKey: ["study", uid], queryFn: () => call(api.GET("/api/v1/studies/{uid}", { params: { path: { uid } } })) });

export const ledgerQuery = (uid: string) =>
  infiniteQueryOptions({
    queryKey: ["study", uid, "ledger"],
    queryFn: ({ pageParam }) =>
      call(api.GET("/api/v1/studies/{uid}/ledger", { params: { path: { uid }, query: pageParam ? { cursor: pageParam } : {} } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor || undefined,
  });

export const retryStudy = (uid: string) => call(api.POST("/api/v1/studies/{uid}/retry", { params: { path: { uid } }, body: {} }));

export const setPriority = (uid: string, service_level: "stat" | "emergency" | "routine" | "subspecialty") =>
  call(api.POST("/api/v1/studies/{uid}/priority", { params: { path: { uid } }, body: { service_level } }));

/** What is looked at: the frame from 1, as people count, and the window in the image's own units. */
export type View = { frame: number; wc: number | null; ww: number | null };

/** The image of an instance, rendered by the box. */
export const previewQuery = (uid: string, instance: string, view: View) =>
  queryOptions({
    queryKey: ["preview", uid, instance, view],
    queryFn: async ({ signal }) => {
      const query = { frame: view.frame - 1, size: 1024, ...(view.wc !== null && view.ww !== null ? { wc: view.wc, ww: view.ww } : {}) };
      const path = { uid, sop: instance };
      return call(
        api.GET("/api/v1/studies/{uid}/instances/{sop}/preview", { params: { path, query }, parseAs: "blob", signal }),
      ) as unknown as Promise<Blob>;
    },
    staleTime: 600_000,
    gcTime: 60_000,
  });
