import { wipe } from "@/store/db";

const KEY = "relaypacs-seen";
/** What somebody left here is kept for so long without a sign-in of theirs. */
const KEPT_MS = 72 * 3_600_000;

type Seen = Record<string, number>;

function read(): Seen {
  try {
    const seen: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof seen === "object" && seen !== null ? (seen as Seen) : {};
  } catch {
    return {};
  }
}

function write(seen: Seen): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(seen));
  } catch {
    // Private mode: what is here goes with the window.
  }
}

/** A user is signed in now: what they keep in this browser stays. */
export const stays = (userId: string): void => write({ ...read(), [userId]: Date.now() });

/** Empties what users left who did not sign in for three days; gives who they were. */
export async function wipeForgotten(): Promise<string[]> {
  const seen = read();
  const gone = Object.keys(seen).filter((userId) => !(Date.now() - (seen[userId] ?? 0) < KEPT_MS));
  for (const userId of gone) await wipe(userId).catch(() => undefined);
  if (gone.length > 0) write(Object.fromEntries(Object.entries(read()).filter(([userId]) => !gone.includes(userId))));
  return gone;
}
