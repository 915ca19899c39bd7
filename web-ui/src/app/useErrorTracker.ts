import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { systemPublicQuery } from "@/api/queries";
import type { User } from "@/api/types";

/** Turns the error tracker on where the box names one. */
export function useErrorTracker(user: User): void {
  const box = useQuery({ ...systemPublicQuery, staleTime: Number.POSITIVE_INFINITY });
  const dsn = (box.data as { sentry_dsn?: string | null } | undefined)?.sentry_dsn;
  const version = box.data?.version;
  useEffect(() => {
    if (!dsn || !version) return;
    void import("./sentry").then(({ watchErrors }) => watchErrors(dsn, version, user.id)).catch(() => undefined);
  }, [dsn, version, user.id]);
}
