import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { restore, sessionElsewhere } from "@/api/session";
import { App } from "@/app/App";
import { routes } from "@/app/routes";
import { applyTheme, storedTheme } from "@/app/theme";
import { activate, storedLanguage } from "@/i18n/i18n";
import { listenForInstall } from "@/pwa/install";
import { afterLoad } from "@/pwa/register";
import "./styles.css";

async function start(): Promise<void> {
  listenForInstall();
  applyTheme(storedTheme());
  // The words, the code of the address's page and the session are fetched side by side.
  const words = activate(storedLanguage());
  const router = createBrowserRouter(routes);
  const restored = restore();
  await words;
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  createRoot(root).render(
    <StrictMode>
      <App router={router} />
    </StrictMode>,
  );
  await restored;
  new BroadcastChannel("relaypacs-session").onmessage = () => void sessionElsewhere();
  afterLoad();
}

void start();
