import { startTransition, useEffect, useState } from "react";
import { Outlet, ScrollRestoration } from "react-router";
import { Live } from "@/api/live";
import type { User } from "@/api/types";
import { LiveContext } from "@/api/useLive";
import { Uploads } from "@/features/upload/uploads";
import { UploadsContext } from "@/features/upload/useUploads";
import { useT } from "@/i18n/useT";
import { ToastProvider } from "@/ui/Toasts";
import Client from "./Client";
import { Header } from "./Header";
import { InstallHint } from "./InstallHint";
import { LiveBridge } from "./LiveBridge";
import { MobileNav } from "./MobileNav";
import { StatusBar } from "./StatusBar";
import { UpdateReady } from "./UpdateReady";
import { useIdleLock } from "./useIdleLock";
import { usePreferences } from "./usePreferences";
import { useShortcuts } from "./useShortcuts";

/** Everything around the pages of one signed-in user: navigation, status bar, live events, uploads. */
export default function Frame({ user }: { user: User }) {
  const t = useT();
  const services = useServices(user.id);
  useShortcuts();
  useIdleLock();
  usePreferences(user);
  if (!services) return null;
  return (
    <Client>
      <LiveContext value={services.live}>
        <UploadsContext value={services.uploads}>
          <ToastProvider>
            <a
              href="#main"
              className="sr-only focus:not-sr-only focus:fixed focus:start-2 focus:top-2 focus:z-50 focus:rounded-lg focus:bg-surface focus:p-3"
            >
              {t("shell.skip")}
            </a>
            <LiveBridge />
            <div className="flex min-h-dvh flex-col">
              <div className="no-print sticky top-0 z-30">
                <Header user={user} />
                <section aria-label={t("bar.label")}>
                  <StatusBar />
                </section>
              </div>
              <main id="main" tabIndex={-1} className="flex-1 pb-24 outline-none lg:pb-8">
                <Outlet />
              </main>
              {/* Below, where it moves nothing of what people read. */}
              <div className="no-print sticky bottom-14 z-20 lg:bottom-0">
                <UpdateReady />
                <InstallHint />
              </div>
              <MobileNav user={user} />
            </div>
            <ScrollRestoration />
          </ToastProvider>
        </UploadsContext>
      </LiveContext>
    </Client>
  );
}

type Services = { live: Live; uploads: Uploads };

/** Opened when someone comes, closed when they leave. */
function useServices(userId: string): Services | null {
  const [services, setServices] = useState<Services | null>(null);
  useEffect(() => {
    const live = new Live();
    const uploads = new Uploads(userId);
    live.start();
    // The whole page comes with this: drawn in short turns.
    startTransition(() => setServices({ live, uploads }));
    return () => {
      live.stop();
      uploads.close();
      setServices(null);
    };
  }, [userId]);
  return services;
}
