import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { useState } from "react";
import { createBrowserRouter, RouterProvider } from "react-router";
import { AnnouncerProvider } from "@/ui/Announcer";
import { routes } from "./routes";

export function App() {
  const [router] = useState(() => createBrowserRouter(routes));
  return (
    <I18nProvider i18n={i18n}>
      <AnnouncerProvider>
        <RouterProvider router={router} />
      </AnnouncerProvider>
    </I18nProvider>
  );
}
