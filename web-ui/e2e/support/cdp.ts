import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { chromium } from "@playwright/test";

type Answer = {
  id?: number;
  method?: string;
  sessionId?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { message: string };
};

/** A tab, driven by the DevTools protocol alone: no domain is on that was not asked for, so that watching costs next to nothing. */
export class Tab {
  constructor(
    private readonly chrome: Chrome,
    private readonly session: string,
  ) {}

  send<T = Record<string, unknown>>(method: string, params: Record<string, unknown> = {}): Promise<T> {
    return this.chrome.send<T>(method, params, this.session);
  }

  /** The value of an expression; promises are waited for. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      result: { value: T };
      exceptionDetails?: { exception?: { description?: string }; text: string };
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails)
      throw new Error(`${exceptionDetails.exception?.description ?? exceptionDetails.text} in ${expression.slice(0, 200)}`);
    return result.value;
  }

  /** Asks again until the expression is true. */
  async until(expression: string, seconds = 300): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      if (await this.value<boolean>(`Boolean(${expression})`).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const shown = await this.value<string>("document.body.innerText");
    throw new Error(`not within ${seconds} s: ${expression}\n${shown}`);
  }

  /** The worker that this tab's document started from such an address, as something expressions can be asked of. */
  async worker(address: RegExp): Promise<Tab> {
    await this.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    for (let n = 0; n < 100; n += 1) {
      const session = this.chrome.workerOf(this.session, address);
      if (session) return new Tab(this.chrome, session);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no worker ${address}`);
  }

  async choose(selector: string, files: string[]): Promise<void> {
    const { result } = await this.send<{ result: { objectId: string } }>("Runtime.evaluate", {
      expression: `document.querySelector(${JSON.stringify(selector)})`,
    });
    await this.send("DOM.setFileInputFiles", { files, objectId: result.objectId });
  }

  /** Lets a file or folder go in the middle of the window. */
  async drop(path: string): Promise<void> {
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await this.send("Input.dispatchDragEvent", { type, x: 640, y: 450, data });
  }

  /** As a hand would: keys for text, so that the page's own handlers see it. */
  async type(selector: string, text: string): Promise<void> {
    await this.value(`document.querySelector(${JSON.stringify(selector)}).focus()`);
    await this.send("Input.insertText", { text });
  }

  async close(): Promise<void> {
    await this.send("Page.close");
  }
}

/** Debian's Chromium over a pipe. */
export class Chrome {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  /** Workers by their sessions, under the tab that they were attached for. */
  readonly #workers = new Map<string, { tab: string; url: string }>();
  #last = 0;
  #rest = Buffer.alloc(0);

  constructor(profile: string) {
    const command = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync) ?? chromium.executablePath();
    const flags = ["--headless=new", "--no-sandbox", "--no-first-run", "--window-size=1280,900", `--user-data-dir=${profile}`];
    this.#child = spawn(command, [...flags, "--remote-debugging-pipe", "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    (this.#child.stdio[4] as Readable).on("data", (data: Buffer) => this.#hear(data));
  }

  #hear(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end = this.#rest.indexOf(0); end >= 0; end = this.#rest.indexOf(0)) {
      const message = JSON.parse(this.#rest.subarray(0, end).toString()) as Answer;
      this.#rest = this.#rest.subarray(end + 1);
      const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
      if (!waiting) this.#note(message);
      else if (message.error) waiting.reject(new Error(message.error.message));
      else waiting.resolve(message.result);
    }
  }

  send<T = Record<string, unknown>>(method: string, params: Record<string, unknown> = {}, sessionId?: string): Promise<T> {
    this.#last += 1;
    const id = this.#last;
    const message = JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) });
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      (this.#child.stdio[3] as Writable).write(`${message}\0`);
    }).finally(() => this.#waiting.delete(id)) as Promise<T>;
  }

  #note({ method, params, sessionId }: Answer): void {
    const event = params as { sessionId: string; targetInfo?: { type: string; url: string } } | undefined;
    if (method === "Target.detachedFromTarget" && event) this.#workers.delete(event.sessionId);
    if (method !== "Target.attachedToTarget" || !event || event.targetInfo?.type !== "worker") return;
    this.#workers.set(event.sessionId, { tab: sessionId ?? "", url: event.targetInfo.url });
  }

  /** The session of the newest such worker of a tab. */
  workerOf(tab: string, address: RegExp): string | undefined {
    return [...this.#workers].findLast(([, worker]) => worker.tab === tab && address.test(worker.url))?.[0];
  }

  async tab(url: string): Promise<Tab> {
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", { url });
    return this.#attach(targetId);
  }

  async #attach(targetId: string): Promise<Tab> {
    const { sessionId } = await this.send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    return new Tab(this, sessionId);
  }

  /** Seconds of processor time so far: of the renderers, and of all its processes. */
  async cpu(): Promise<{ renderers: number; all: number }> {
    const { processInfo } = await this.send<{ processInfo: { type: string; cpuTime: number }[] }>("SystemInfo.getProcessInfo");
    const sum = (wanted: (type: string) => boolean) =>
      processInfo.filter(({ type }) => wanted(type)).reduce((n, { cpuTime }) => n + cpuTime, 0);
    return { renderers: sum((type) => type === "renderer"), all: sum(() => true) };
  }

  async off(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    await this.send("Browser.close").catch(() => undefined);
    await ended;
  }
}
