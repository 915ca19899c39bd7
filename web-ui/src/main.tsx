import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { restore, sessionElsewhere } from "@/api/session";
import { App } from "@/app/App";
import { applyTheme, storedTheme } from "@/app/theme";
import { activate, storedLanguage } from "@/i18n/i18n";
import { listenForInstall } from "@/pwa/install";
import { afterLoad } from "@/pwa/register";
import "./styles.css";

async function start(): Promise<void> {
  listenForInstall();
  applyTheme(storedTheme());
  await activate(storedLanguage());
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  await restore();
  new BroadcastChannel("relaypacs-session").onmessage = () => void sessionElsewhere();
  afterLoad();
}

void start();
