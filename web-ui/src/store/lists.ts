import { userDatabase } from "./db";

const ROWS = 50;

/** Keeps the last rows of a list for reading offline. */
export async function rememberList(userId: string, key: string, rows: unknown[]): Promise<void> {
  await (await userDatabase(userId)).put("lists", { key, at: Date.now(), data: rows.slice(0, ROWS) });
}

export async function recallList<T>(userId: string, key: string): Promise<{ at: number; rows: T[] } | undefined> {
  const row = await (await userDatabase(userId)).get("lists", key);
  return row ? { at: row.at, rows: row.data as T[] } : undefined;
}
