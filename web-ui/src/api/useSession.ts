import { useSyncExternalStore } from "react";
import { currentSession, onSession, type Session } from "./session";
import type { Role, User } from "./types";

export function useSession(): Session {
  return useSyncExternalStore(onSession, currentSession);
}

/** The signed-in user; only below the guard of the routes. */
export function useUser(): User {
  const session = useSession();
  if (session.kind !== "signed_in") throw new Error("no one is signed in here");
  return session.user;
}

export function useRole(...roles: Role[]): boolean {
  const session = useSession();
  return session.kind === "signed_in" && roles.includes(session.user.role);
}
