import { lazy, Suspense } from "react";
import { Navigate, Outlet, useLocation } from "react-router";
import { currentSession, onSession } from "@/api/session";
import type { Role } from "@/api/types";
import { useSession } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { NoRole, Skeleton } from "@/ui/StateView";

// Menu, live events and uploads come when somebody is signed in: at once, not when the words of the language are there.
const load = () => import("./Frame");
const Frame = lazy(load);
onSession(() => currentSession().kind === "signed_in" && void load().catch(() => undefined));

/** Lets signed-in people in; sends others to sign-in, and a box without accounts to its set-up. */
export function Guard() {
  const session = useSession();
  const location = useLocation();
  const waiting = (
    <main className="mx-auto max-w-3xl p-6">
      <Skeleton rows={4} />
    </main>
  );
  if (session.kind === "signed_in")
    return (
      <Suspense fallback={waiting}>
        <Frame key={session.user.id} user={session.user} />
      </Suspense>
    );
  if (session.kind === "loading") return waiting;
  if (session.kind === "signed_out" && session.setupRequired) return <Navigate to={{ pathname: "/setup", hash: location.hash }} replace />;
  return <Navigate to="/login" replace state={{ from: `${location.pathname}${location.search}` }} />;
}

/** Pages for some roles; for the others another page, or the reason. */
export function Only({ roles, elsewhere }: { roles: Role[]; elsewhere?: string }) {
  const t = useT();
  const session = useSession();
  if (session.kind !== "signed_in") return null;
  if (roles.includes(session.user.role)) return <Outlet />;
  if (elsewhere) return <Navigate to={elsewhere} replace />;
  return (
    <div className="mx-auto max-w-3xl p-6">
      <NoRole roles={new Intl.ListFormat(document.documentElement.lang, { type: "unit" }).format(roles.map((role) => t(`role.${role}`)))} />
    </div>
  );
}
