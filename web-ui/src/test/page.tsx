import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { createMemoryRouter, type RouteObject, RouterProvider } from "react-router";
import { signIn } from "@/api/session";
import type { User } from "@/api/types";
import type { Uploads } from "@/features/upload/uploads";
import { UploadsContext } from "@/features/upload/useUploads";
import { AnnouncerProvider } from "@/ui/Announcer";
import { ToastProvider } from "@/ui/Toasts";
import { answer } from "./server";

export const USER: User = {
  id: "u1",
  username: "kim",
  email: "kim@clinic.example",
  full_name: "Kim Lee",
  role: "admin",
  is_active: true,
  totp_enabled: false,
  locked: false,
  created_at: "2026-01-01T00:00:00Z",
  preferences: {
    language: "en",
    theme: "light",
    time_zone: null,
    default_service_level: "routine",
    density: "comfortable",
    notify: { push: false, email: false, types: ["report_ready"] },
  },
} as User;

const PAIR = { access_token: "access", refresh_token: "refresh", token_type: "bearer", expires_in: 900 };

/** Signs somebody in, the way the page does. */
export async function signInAs(change: Partial<User> = {}): Promise<User> {
  const user = { ...USER, ...change };
  answer("post", "/api/v1/auth/login", PAIR);
  answer("get", "/api/v1/auth/me", user);
  return signIn({ username: user.username, password: "secret" });
}

function Providers({ children, client }: { children: ReactNode; client: QueryClient }) {
  return (
    <I18nProvider i18n={i18n}>
      <QueryClientProvider client={client}>
        <ToastProvider>
          <AnnouncerProvider>{children}</AnnouncerProvider>
        </ToastProvider>
      </QueryClientProvider>
    </I18nProvider>
  );
}

/** Shows pages at an address. Gives the router, to see where it leads. */
export function show(routes: RouteObject[], at: string | { pathname: string; state: unknown }, uploads?: Uploads) {
  const client = new QueryClient({
    defaultOptions: { queries: { retry: false, networkMode: "always" }, mutations: { networkMode: "always" } },
  });
  const router = createMemoryRouter([...routes, { path: "*", element: <p>elsewhere</p> }], { initialEntries: [at] });
  const page = <RouterProvider router={router} />;
  const view = render(<Providers client={client}>{uploads ? <UploadsContext value={uploads}>{page}</UploadsContext> : page}</Providers>);
  return { ...view, router, client };
}
