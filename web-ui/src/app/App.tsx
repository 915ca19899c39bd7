import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { type createBrowserRouter, RouterProvider } from "react-router";
import { AnnouncerProvider } from "@/ui/Announcer";

export function App({ router }: { router: ReturnType<typeof createBrowserRouter> }) {
  return (
    <I18nProvider i18n={i18n}>
      <AnnouncerProvider>
        <RouterProvider router={router} />
      </AnnouncerProvider>
    </I18nProvider>
  );
}
