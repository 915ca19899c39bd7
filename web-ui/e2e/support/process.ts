import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";

export const run = promisify(execFile);

/** A port of the loopback that nobody listens on now, below the range from which the kernel takes ports for outgoing connections. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const port = 18_000 + Math.floor(Math.random() * 14_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error("none of a thousand ports is free");
}

/** Asks again until `ready` holds; what it waits for stands in the error. */
export async function until(what: string, ready: () => Promise<boolean>, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await ready().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A program of ours or a peer, its output in a file. */
export class Program {
  readonly #child: ChildProcess;
  /** When it is over and its last word is in the file, which is closed by then. */
  readonly ended: Promise<void>;

  constructor(command: string, args: string[], log: string, cwd?: string) {
    this.#child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...(cwd ? { cwd } : {}) });
    const out = createWriteStream(log, { flags: "a" });
    this.#child.stdout?.pipe(out, { end: false });
    this.#child.stderr?.pipe(out, { end: false });
    this.#child.once("close", () => out.end());
    this.ended = new Promise((resolve) => out.once("close", () => resolve()));
  }

  /** Seconds of processor time so far (proc(5): fields 14 and 15, in hundredths). */
  get cpu(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }
}
