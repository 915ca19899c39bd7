import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listDrafts, saveDraft } from "@/store/draft";
import { loadSession, saveSession } from "@/store/session";
import { signInAs, USER } from "@/test/page";
import { answer, cut, empty, refusal, refuse, server } from "@/test/server";
import {
  accessToken,
  accountChanged,
  CodeNeeded,
  currentSession,
  lock,
  onSession,
  register,
  renew,
  replaceToken,
  restore,
  sessionElsewhere,
  signIn,
  signOut,
} from "./session";

let served = 0;
const pair = () => {
  served += 1;
  return { access_token: `access-${served}`, refresh_token: `refresh-${served}`, token_type: "bearer", expires_in: 900 };
};

beforeEach(() => {
  served = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(async () => {
  empty("post", "/api/v1/auth/logout", 200);
  await signOut();
  vi.useRealTimers();
});

test("signing in keeps the access token in memory and the refresh token in the store", async () => {
  const user = await signInAs();
  expect(currentSession()).toEqual({ kind: "signed_in", user });
  expect(await accessToken()).toBe("access");
  const stored = await loadSession();
  expect(stored).toMatchObject({ userId: "u1", refreshToken: "refresh", locked: false });
  expect(JSON.stringify(stored)).not.toContain('access"');
});

test("a second factor is asked for", async () => {
  server.use(http.post("*/api/v1/auth/login", () => refusal(403, {}, { "X-TOTP-Required": "true" })));
  await expect(signIn({ username: "kim", password: "x" })).rejects.toBeInstanceOf(CodeNeeded);
});

test("wrong credentials are a refusal, a dead line is not", async () => {
  refuse("post", "/api/v1/auth/login", 401, { detail: "no" });
  await expect(signIn({ username: "kim", password: "x" })).rejects.toMatchObject({ status: 401 });
  cut("post", "/api/v1/auth/login");
  await expect(signIn({ username: "kim", password: "x" })).rejects.toMatchObject({ name: "Unreachable" });
});

test("the token is renewed at four fifths of its life", async () => {
  await signInAs();
  answer("post", "/api/v1/auth/refresh", pair);
  await vi.advanceTimersByTimeAsync(719_000);
  expect(served).toBe(0);
  await vi.advanceTimersByTimeAsync(2000);
  await vi.waitFor(async () => expect(await accessToken()).toBe("access-1"), { timeout: 30_000 });
  expect((await loadSession())?.refreshToken).toBe("refresh-1");
});

test("many who need a new token at once make one trade", async () => {
  await signInAs();
  answer("post", "/api/v1/auth/refresh", pair);
  await Promise.all([renew(), renew(), replaceToken("access")]);
  expect(served).toBe(1);
  expect(await replaceToken("access")).toBe("access-1");
  expect(served).toBe(1);
});

test("a trade whose answer was lost is asked for again by its name; the next has another", async () => {
  await signInAs();
  const asked: { refresh_token: string; attempt: string }[] = [];
  const trade = (give: () => Response) =>
    server.use(
      http.post("*/api/v1/auth/refresh", async ({ request }) => {
        asked.push((await request.json()) as (typeof asked)[number]);
        return give();
      }),
    );
  trade(() => HttpResponse.error());
  expect(await renew()).toBe(false);
  // It was in the store before it was sent: what is left of a tab that was closed meanwhile.
  expect(await loadSession()).toMatchObject({ refreshToken: "refresh", attempt: asked[0]?.attempt });
  trade(() => HttpResponse.json(pair()));
  expect(await renew()).toBe(true);
  expect(asked[0]?.attempt).toMatch(/^[0-9a-f]{32}$/);
  expect(asked[1]).toEqual(asked[0]);
  expect(await loadSession()).not.toHaveProperty("attempt");
  expect(await renew()).toBe(true);
  expect(asked[2]?.refresh_token).toBe("refresh-1");
  expect(asked[2]?.attempt).not.toBe(asked[0]?.attempt);
});

test("a session that was ended elsewhere is over; an unreachable box is not", async () => {
  await signInAs();
  cut("post", "/api/v1/auth/refresh");
  expect(await renew()).toBe(false);
  expect(currentSession().kind).toBe("signed_in");
  server.resetHandlers();
  refuse("post", "/api/v1/auth/refresh", 503);
  expect(await renew()).toBe(false);
  expect(currentSession().kind).toBe("signed_in");
  server.resetHandlers();
  refuse("post", "/api/v1/auth/refresh", 401);
  expect(await renew()).toBe(false);
  expect(currentSession()).toMatchObject({ kind: "signed_out", why: "expired" });
  expect((await loadSession())?.refreshToken).toBeNull();
});

test("locking ends the session at the box and remembers who it was", async () => {
  await signInAs();
  const { calls } = empty("post", "/api/v1/auth/logout", 200);
  await lock();
  expect(calls[0]?.body).toEqual({ refresh_token: "refresh" });
  expect(currentSession()).toMatchObject({ kind: "locked", user: { username: "kim" } });
  expect(await accessToken()).toBeNull();
  await restore();
  expect(currentSession().kind).toBe("locked");
});

test("a stored session is taken up; without the box, offline", async () => {
  await saveSession({ userId: "u1", user: USER, refreshToken: "old", seenAt: 0, locked: false });
  server.use(http.post("*/api/v1/auth/refresh", async ({ request }) => HttpResponse.json({ ...pair(), got: await request.json() })));
  answer("get", "/api/v1/auth/me", { ...USER, full_name: "New Name" });
  await sessionElsewhere();
  expect(currentSession()).toMatchObject({ kind: "signed_in", user: { full_name: "New Name" } });
  empty("post", "/api/v1/auth/logout", 200);
  await signOut();
  await saveSession({ userId: "u1", user: USER, refreshToken: "old", seenAt: 0, locked: false });
  cut("post", "/api/v1/auth/refresh");
  await sessionElsewhere();
  expect(currentSession()).toMatchObject({ kind: "signed_in", user: { full_name: "Kim Lee" } });
});

test("nobody was here: the box says whether it has accounts", async () => {
  answer("get", "/api/v1/system/public", {
    version: "1",
    setup_required: true,
    limits: { max_upload_bytes: 1, max_files: 1, chunk_min: 1, chunk_max: 1, batch_max_bytes: 1 },
    languages: [],
  });
  await restore();
  expect(currentSession()).toEqual({ kind: "signed_out", why: "never", setupRequired: true });
});

test("an account is made with its code, and its changes are told", async () => {
  answer("post", "/api/v1/auth/register", pair, 201);
  answer("get", "/api/v1/auth/me", USER);
  const heard = vi.fn();
  const stop = onSession(heard);
  await register({ username: "kim", email: "a@b.c", password: "x", setup_code: "K7RM-2WPX" });
  await accountChanged({ ...USER, full_name: "Other" });
  expect(currentSession()).toMatchObject({ kind: "signed_in", user: { full_name: "Other" } });
  expect(heard).toHaveBeenCalled();
  stop();
  refuse("post", "/api/v1/auth/register", 422, { detail: "no" });
  await expect(register({ username: "kim", email: "a@b.c", password: "x" })).rejects.toMatchObject({ status: 422 });
});

test("another tab signed out: this one follows", async () => {
  await signInAs();
  await saveSession({ userId: "u1", user: USER, refreshToken: null, seenAt: 0, locked: true });
  await sessionElsewhere();
  expect(currentSession().kind).toBe("locked");
});

const HOUR = 3_600_000;
const DRAFT = { id: "d1", createdAt: 1, savedAt: 1, studies: [], ignored: [], stored: true, patientsConfirmed: false };

test("what a user left is kept for three days without a sign-in of theirs, then wiped, and nobody is signed in", async () => {
  await signInAs();
  await saveDraft("u1", DRAFT);
  answer("post", "/api/v1/auth/refresh", pair);
  vi.setSystemTime(Date.now() + 71 * HOUR);
  await restore();
  expect(await listDrafts("u1")).toHaveLength(1);
  vi.setSystemTime(Date.now() + 73 * HOUR);
  await restore();
  expect(await listDrafts("u1")).toEqual([]);
  expect(currentSession()).toMatchObject({ kind: "signed_out", why: "expired" });
  expect(await loadSession()).toBeUndefined();
});

test("what another user of this browser left goes too, not what the one who signs in has", async () => {
  await signInAs();
  await saveDraft("u1", DRAFT);
  vi.setSystemTime(Date.now() + 40 * HOUR);
  await signInAs({ id: "u2" });
  await saveDraft("u2", DRAFT);
  vi.setSystemTime(Date.now() + 40 * HOUR);
  await signInAs({ id: "u2" });
  expect(await listDrafts("u1")).toEqual([]);
  expect(await listDrafts("u2")).toHaveLength(1);
});
