import { deviceDatabase, type StoredSession } from "./db";

export async function loadSession(): Promise<StoredSession | undefined> {
  return (await deviceDatabase()).get("session", "current");
}

export async function saveSession(session: Omit<StoredSession, "key">): Promise<void> {
  await (await deviceDatabase()).put("session", { key: "current", ...session });
}

export async function clearSession(): Promise<void> {
  await (await deviceDatabase()).delete("session", "current");
}
