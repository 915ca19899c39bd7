import { clearSession, loadSession, saveSession } from "@/store/session";
import { problemOf, Unreachable } from "./problem";
import { stays, wipeForgotten } from "./residents";
import type { components } from "./schema";
import type { User } from "./types";

type TokenPair = components["schemas"]["TokenPair"];

/** Who uses the page. The access token is only in this module's memory. */
export type Session =
  | { kind: "loading" }
  | { kind: "signed_out"; why: "never" | "left" | "expired"; setupRequired: boolean }
  | { kind: "locked"; user: User }
  | { kind: "signed_in"; user: User };

const BASE = "/api/v1/auth";
/** Renewed when this share of its life is over. */
const RENEW_AT = 0.8;

let session: Session = { kind: "loading" };
let access: { token: string; expiresAt: number; renewAt: number } | null = null;
let renewing: Promise<boolean> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

export const currentSession = () => session;

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

async function post(path: string, body: unknown, bearer?: string): Promise<Response> {
  try {
    return await fetch(`${BASE}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new Unreachable(error);
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  return response.json().catch(() => null);
}

function keepAccess(pair: TokenPair): void {
  const life = pair.expires_in * 1000;
  access = { token: pair.access_token, expiresAt: Date.now() + life, renewAt: Date.now() + life * RENEW_AT };
  clearTimeout(timer);
  timer = setTimeout(() => void renew(), life * RENEW_AT);
}

async function fetchMe(token: string): Promise<User> {
  const response = await fetch(`${BASE}/me`, { headers: { Authorization: `Bearer ${token}` } }).catch((error: unknown) => {
    throw new Unreachable(error);
  });
  const body = await bodyOf(response);
  if (!response.ok) throw problemOf(response.status, body, response.headers);
  return body as User;
}

async function begin(pair: TokenPair): Promise<User> {
  keepAccess(pair);
  const user = await fetchMe(pair.access_token);
  await wipeForgotten();
  stays(user.id);
  await saveSession({ userId: user.id, user, refreshToken: pair.refresh_token, seenAt: Date.now(), locked: false });
  become({ kind: "signed_in", user });
  return user;
}

/** Second factor asked for: the form shows the code field and sends again. */
export class CodeNeeded extends Error {}

export async function signIn(credentials: { username: string; password: string; totp_code?: string }): Promise<User> {
  const response = await post("/login", credentials);
  const body = await bodyOf(response);
  if (response.status === 403 && response.headers.get("x-totp-required") === "true") throw new CodeNeeded();
  if (!response.ok) throw problemOf(response.status, body, response.headers);
  return begin(body as TokenPair);
}

export async function register(account: components["schemas"]["UserCreate"]): Promise<User> {
  const response = await post("/register", account);
  const body = await bodyOf(response);
  if (!response.ok) throw problemOf(response.status, body, response.headers);
  return begin(body as TokenPair);
}

/** Whether the box has no account yet; false when it cannot be asked. */
async function setupRequired(): Promise<boolean> {
  const answer = await fetch("/api/v1/system/public").then(bodyOf, () => null);
  return (answer as { setup_required?: boolean } | null)?.setup_required === true;
}

/** Takes up the session this browser holds; ends when the box has spoken too. Unreachable is offline, not signed out. */
export async function restore(): Promise<void> {
  const stored = await loadSession().catch(() => undefined);
  if (!stored) return become({ kind: "signed_out", why: "never", setupRequired: await setupRequired() });
  const user = stored.user as User;
  if ((await wipeForgotten()).includes(stored.userId)) {
    await clearSession();
    return become({ kind: "signed_out", why: "expired", setupRequired: false });
  }
  if (stored.locked || !stored.refreshToken)
    return become(stored.locked ? { kind: "locked", user } : { kind: "signed_out", why: "left", setupRequired: false });
  // The page begins with the account as last seen, while the box is asked; what a page asks for waits for the token.
  become({ kind: "signed_in", user });
  if (!(await renew()) || !access) return;
  const fresh = await fetchMe(access.token).catch(() => user);
  if (session.kind !== "signed_in" || session.user !== user || JSON.stringify(fresh) === JSON.stringify(user)) return;
  await accountChanged(fresh);
}

/**
 * Trades the refresh token. One at a time in this tab, and by Web Lock one at a time among tabs: each reads the newest token under the lock.
 * Gives whether there is a fresh access token; false when the box is unreachable or the session is over.
 */
export function renew(): Promise<boolean> {
  renewing ??= navigator.locks.request("relaypacs-refresh", trade).finally(() => {
    renewing = null;
  });
  return renewing;
}

async function trade(): Promise<boolean> {
  const stored = await loadSession();
  if (!stored?.refreshToken) {
    if (session.kind === "signed_in")
      lose(stored?.locked ? { kind: "locked", user: session.user } : { kind: "signed_out", why: "left", setupRequired: false });
    return false;
  }
  // A tab may be closed before the answer comes: whoever is next asks for the same trade, and the box gives the same token.
  const { attempt = newAttempt(), ...rest } = stored;
  if (!stored.attempt) await saveSession({ ...stored, attempt });
  let response: Response;
  try {
    response = await post("/refresh", { refresh_token: stored.refreshToken, attempt });
  } catch {
    later();
    return false;
  }
  if (response.ok) {
    const pair = (await bodyOf(response)) as TokenPair;
    await saveSession({ ...rest, refreshToken: pair.refresh_token, seenAt: Date.now() });
    stays(stored.userId);
    keepAccess(pair);
    return true;
  }
  if (response.status === 401 || response.status === 403) {
    await saveSession({ ...rest, refreshToken: null });
    lose({ kind: "signed_out", why: "expired", setupRequired: false });
  } else later();
  return false;
}

const newAttempt = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function later(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void renew(), 10_000);
}

function lose(next: Session): void {
  access = null;
  clearTimeout(timer);
  become(next);
}

/** A token that is good for now, or null. Waits for a renewal that is due. */
export async function accessToken(): Promise<string | null> {
  if (access && Date.now() < access.renewAt) return access.token;
  if (session.kind === "signed_out" || session.kind === "locked") return null;
  await renew();
  return access && Date.now() < access.expiresAt ? access.token : null;
}

/** What the box refused: get another. Null when there is none. */
export async function replaceToken(refused: string): Promise<string | null> {
  if (access?.token !== refused) return access?.token ?? null;
  return (await renew()) ? (access?.token ?? null) : null;
}

async function leave(): Promise<void> {
  const stored = await loadSession();
  const token = access?.token;
  if (token) await post("/logout", { refresh_token: stored?.refreshToken ?? undefined }, token).catch(() => undefined);
}

/** Ends the session at the box, clears the screens, keeps this user's uploads going. */
export async function lock(): Promise<void> {
  if (session.kind !== "signed_in") return;
  const { user } = session;
  await leave();
  await saveSession({ userId: user.id, user, refreshToken: null, seenAt: Date.now(), locked: true });
  lose({ kind: "locked", user });
}

/** Ends the session and forgets who it was. Wiping the user's data is the caller's decision. */
export async function signOut(): Promise<void> {
  await leave();
  await clearSession();
  lose({ kind: "signed_out", why: "left", setupRequired: false });
}

/** The account changed (name, preferences). */
export async function accountChanged(user: User): Promise<void> {
  const stored = await loadSession();
  if (stored) await saveSession({ ...stored, user });
  if (session.kind === "signed_in") become({ kind: "signed_in", user });
}

/** Another tab signed in, out or locked. */
export async function sessionElsewhere(): Promise<void> {
  const stored = await loadSession();
  if (session.kind === "signed_in" && !stored?.refreshToken)
    lose(stored?.locked ? { kind: "locked", user: session.user } : { kind: "signed_out", why: "left", setupRequired: false });
  else if (session.kind !== "signed_in" && stored?.refreshToken) {
    session = { kind: "loading" };
    await restore();
  }
}
