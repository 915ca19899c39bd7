import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Program, run, until } from "./process";

const BINARY = process.env.RELAYPACS_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "../target", "debug/relaypacs");

export type Account = { username: string; password: string; token: string; id: string };

/** The box under test: the built program on a data directory of its own. */
export class Box {
  #program: Program | null = null;
  private constructor(
    private readonly folder: string,
    readonly port: number,
    readonly dicomPort: number,
    readonly httpsPort: number,
  ) {}

  /** `destination`: a DICOMweb base, or none; `more`: further lines of the configuration; `https`: also by HTTPS, with the box's own authority. */
  static async start(folder: string, destination: string | null, more = "", https = false): Promise<Box> {
    mkdirSync(join(folder, "data"), { recursive: true });
    const box = new Box(folder, await freePort(), await freePort(), https ? await freePort() : 0);
    const stow = destination
      ? `[[destination]]\nname = "main"\nkind = "stow"\nurl = "${destination}"\nretry = { first = "200ms", max = "1s", horizon = "7d" }\n`
      : "";
    const limits = ["login", "tokens", "upload_init", "complete", "stats"].map((name) => `${name} = "6000/min"`).join("\n");
    const text = `[dicom]\nbind = "127.0.0.1"\nport = ${box.dicomPort}\ntls_port = 0\nstudy_idle = "1s"\n[http]\nbind = "127.0.0.1"\nport = ${box.httpsPort}\nplain_port = ${box.port}\n[limits]\n${limits}\n${more}\n${stow}`;
    writeFileSync(join(folder, "relaypacs.toml"), text);
    await box.on();
    return box;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Its address by HTTPS. */
  get secureUrl(): string {
    return `https://127.0.0.1:${this.httpsPort}`;
  }

  get #where(): string[] {
    return ["--config", join(this.folder, "relaypacs.toml"), "--data-dir", join(this.folder, "data")];
  }

  async on(): Promise<void> {
    this.#program = new Program(BINARY, ["serve", ...this.#where], join(this.folder, "log"));
    await until("the box is ready", async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** Seconds of processor time it has used. */
  cpu(): number {
    return this.#program?.cpu ?? 0;
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    await this.#program?.stop("SIGKILL");
    this.#program = null;
  }

  async off(): Promise<void> {
    await this.#program?.stop("SIGTERM");
    this.#program = null;
  }

  /** Runs a command of the box's own; gives what it prints. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await run(BINARY, [...args, ...this.#where]);
    return stdout.trim();
  }

  async setupCode(): Promise<string> {
    return this.command("setup-code");
  }

  async api(method: string, path: string, token?: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
    const headers: Record<string, string> = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : {} };
  }

  /** The first account, by the set-up code. */
  async admin(username = "chief"): Promise<Account> {
    return this.#register(username, { setup_code: await this.setupCode() });
  }

  /** An account of a role, by an admin's invite. */
  async invite(admin: Account, role: string, username: string): Promise<Account> {
    const { body } = await this.api("POST", "/users/invites", admin.token, { role });
    return this.#register(username, { invite: body.code });
  }

  async #register(username: string, by: Record<string, unknown>): Promise<Account> {
    const password = "Correct-Horse-7!";
    const { status, body } = await this.api("POST", "/auth/register", undefined, {
      username,
      email: `${username}@clinic.example`,
      password,
      ...by,
    });
    if (status !== 201) throw new Error(`no account: ${status} ${JSON.stringify(body)}`);
    const token = String(body.access_token);
    const me = await this.api("GET", "/auth/me", token);
    return { username, password, token, id: String(me.body.id) };
  }

  /** The account with an access token that is good for now. */
  async signedIn(account: Account): Promise<Account> {
    const { body } = await this.api("POST", "/auth/login", undefined, { username: account.username, password: account.password });
    return { ...account, token: String(body.access_token) };
  }
}
