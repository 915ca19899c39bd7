import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";

export const WIDTHS = [320, 1280] as const;
export const THEMES = ["light", "dark"] as const;

/** Takes pictures of what a page shows, at each width and in each theme, into one folder. */
export class Camera {
  /** What could not be brought before the lens. */
  readonly missed: string[] = [];

  constructor(
    private readonly folder: string,
    private readonly language: string,
  ) {
    mkdirSync(folder, { recursive: true });
  }

  /** Brings the page somewhere, then takes it. What goes wrong is kept and the next view goes on. */
  async view(page: Page, name: string, go: () => Promise<unknown> = async () => undefined): Promise<void> {
    try {
      await go();
      await this.take(page, name);
    } catch (error) {
      this.missed.push(`${this.language} ${name}: ${String(error).split("\n").slice(0, 3).join(" ")}`);
      await page.screenshot({ path: join(this.folder, `missed-${this.language}-${name}.png`) }).catch(() => undefined);
    }
  }

  async take(page: Page, name: string): Promise<void> {
    await page.locator("h1").first().waitFor();
    await expect(page.locator("main .animate-pulse")).toHaveCount(0);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: width < 600 ? 700 : 900 });
      for (const theme of THEMES) {
        await page.evaluate((now) => {
          document.documentElement.dataset.theme = now;
          for (const animation of document.getAnimations())
            if (Number.isFinite(animation.effect?.getTiming().iterations)) animation.finish();
        }, theme);
        // What lies over the page is taken as people see it.
        const fullPage = (await page.locator("dialog[open], [role=menu]").count()) === 0;
        await page.screenshot({ path: join(this.folder, `${this.language}-${width}-${theme}-${name}.png`), fullPage });
      }
    }
  }
}

/** One page a language, width and theme, with all its pictures. */
export function contactSheets(folder: string): void {
  const pictures = readdirSync(folder)
    .filter((name) => name.endsWith(".png"))
    .sort();
  for (const group of new Set(pictures.map((name) => name.split("-").slice(0, 3).join("-")))) {
    const figures = pictures
      .filter((name) => name.startsWith(`${group}-`))
      .map((name) => {
        const data = readFileSync(join(folder, name)).toString("base64");
        return `<figure><img src="data:image/png;base64,${data}" style="max-width:640px"><figcaption>${name}</figcaption></figure>`;
      });
    const style = "display:flex;flex-wrap:wrap;gap:8px;align-items:start;font:12px sans-serif";
    writeFileSync(join(folder, `${group}.html`), `<!doctype html><body style="${style}">${figures.join("")}`);
  }
}
