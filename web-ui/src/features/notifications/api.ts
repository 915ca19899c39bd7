import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, call } from "@/api/client";

const PER_PAGE = 50;

export const notificationsQuery = (unreadOnly: boolean) =>
  infiniteQueryOptions({
    queryKey: ["notifications", "list", unreadOnly],
    queryFn: ({ pageParam }) =>
      call(api.GET("/api/v1/notifications", { params: { query: { limit: PER_PAGE, offset: pageParam, unread_only: unreadOnly } } })),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const shown = pages.reduce((sum, { notifications }) => sum + notifications.length, 0);
      return shown < last.total && last.notifications.length > 0 ? shown : undefined;
    },
  });

const at = (id: string) => ({ params: { path: { id } } });

export const setRead = (id: string, read: boolean) =>
  call(read ? api.PATCH("/api/v1/notifications/{id}/read", at(id)) : api.PATCH("/api/v1/notifications/{id}/unread", at(id)));
export const readAll = () => call(api.PATCH("/api/v1/notifications/read-all"));
export const remove = (id: string) => call(api.DELETE("/api/v1/notifications/{id}", at(id)));
