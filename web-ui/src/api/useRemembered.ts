import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { recallList, rememberList } from "@/store/lists";
import { Unreachable } from "./problem";
import { useUser } from "./useSession";

/** The rows of a list, kept for reading offline: gives the kept ones, and when they were true, while the box cannot be reached. */
export function useRemembered<T>(key: string, rows: T[] | undefined, error: unknown): { rows: T[] | undefined; asOf: number | null } {
  const user = useUser();
  useEffect(() => {
    if (rows) void rememberList(user.id, key, rows).catch(() => undefined);
  }, [user.id, key, rows]);
  const away = error instanceof Unreachable && !rows;
  const kept = useQuery({
    queryKey: ["kept", key],
    queryFn: async () => (await recallList<T>(user.id, key)) ?? null,
    enabled: away,
    staleTime: 0,
    gcTime: 0,
  });
  return rows ? { rows, asOf: null } : { rows: kept.data?.rows, asOf: kept.data?.at ?? null };
}
