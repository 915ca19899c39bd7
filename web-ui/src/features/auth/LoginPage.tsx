import { lazy, Suspense, useState } from "react";
import { Navigate, useLocation } from "react-router";
import { useSession } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { takeFragment } from "./fragment";
import { LanguageChoice } from "./LanguageChoice";
import { SignInForm } from "./SignInForm";

const SignUpForm = lazy(() => import("./SignUpForm"));

/** Signing in, and signing up with an invite. */
export function LoginPage() {
  const t = useT();
  const session = useSession();
  const location = useLocation();
  const [invite] = useState(() => takeFragment("invite"));
  const [signUp, setSignUp] = useState(invite !== "");
  const from = (location.state as { from?: string } | null)?.from ?? "/";

  if (session.kind === "signed_in") return <Navigate to={from} replace />;
  if (session.kind === "signed_out" && session.setupRequired) return <Navigate to="/setup" replace />;
  const toggle = (pressed: boolean) =>
    `min-h-11 flex-1 rounded-lg text-sm font-semibold ${pressed ? "bg-surface text-text shadow-sm ring-1 ring-edge" : "text-muted hover:text-text"}`;
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center gap-6 px-4 py-8">
      <div className="flex flex-col items-center gap-2 text-center">
        <img src="/icons/icon.svg" alt="" width="56" height="56" />
        <h1 className="text-xl font-bold">{t("login.brand")}</h1>
        <p className="text-sm text-muted">{t("login.lead")}</p>
      </div>
      <div className="card flex flex-col gap-4 p-6">
        <h2 className="text-lg font-semibold">{t(signUp ? "login.heading_up" : "login.heading")}</h2>
        {session.kind === "locked" && (
          <p className="rounded-lg bg-accent-soft px-3 py-2 text-sm text-accent-strong">
            {t("login.locked")} <bdi>{session.user.full_name || session.user.username}</bdi>
          </p>
        )}
        {session.kind === "signed_out" && session.why === "expired" && (
          <p className="rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">{t("login.expired")}</p>
        )}
        <div className="flex gap-1 rounded-xl bg-sunken p-1">
          <button type="button" aria-pressed={!signUp} className={toggle(!signUp)} onClick={() => setSignUp(false)}>
            {t("login.tab_in")}
          </button>
          <button type="button" aria-pressed={signUp} className={toggle(signUp)} onClick={() => setSignUp(true)}>
            {t("login.tab_up")}
          </button>
        </div>
        {signUp ? (
          <Suspense>
            <SignUpForm invite={invite} />
          </Suspense>
        ) : (
          <SignInForm username={session.kind === "locked" ? session.user.username : ""} />
        )}
      </div>
      <LanguageChoice />
    </main>
  );
}
