import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "@playwright/test";
import { freePort, Program, until } from "./process";

/** A Chromium with a profile of its own, which can be killed as a PC that loses power. */
export class OwnBrowser {
  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    private readonly program: Program,
  ) {}

  static async open(profile: string): Promise<OwnBrowser> {
    const command = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync) ?? chromium.executablePath();
    const port = await freePort();
    const flags = ["--headless=new", "--no-sandbox", "--no-first-run", `--user-data-dir=${profile}`, `--remote-debugging-port=${port}`];
    const program = new Program(command, [...flags, "about:blank"], join(profile, "..", "browser.log"));
    const at = `http://127.0.0.1:${port}`;
    await until("the browser answers", async () => (await fetch(`${at}/json/version`)).ok);
    const browser = await chromium.connectOverCDP(at);
    const context = browser.contexts()[0];
    if (!context) throw new Error("the browser has no context");
    return new OwnBrowser(context.pages()[0] ?? (await context.newPage()), browser, program);
  }

  async kill(): Promise<void> {
    await this.program.stop("SIGKILL");
    await this.browser.close().catch(() => undefined);
  }
}
