import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Draft } from "./draft";
import type { Job } from "./job";

/** Who is signed in on this device; the only record outside the user's own database. */
export type StoredSession = {
  key: "current";
  userId: string;
  /** The account as last seen, for a start without the box. */
  user: unknown;
  refreshToken: string | null;
  /** The name under which it is being traded: with it, a trade whose answer was lost can be made again. */
  attempt?: string;
  seenAt: number;
  locked: boolean;
};

interface DeviceSchema extends DBSchema {
  session: { key: string; value: StoredSession };
}

interface UserSchema extends DBSchema {
  drafts: { key: string; value: Draft };
  jobs: { key: string; value: Job };
  /** The bytes that were chosen, by owner (draft or job) and file. */
  files: { key: [string, string]; value: { owner: string; fileId: string; blob: Blob }; indexes: { owner: string } };
  /** The last rows of each list, for reading offline. */
  lists: { key: string; value: { key: string; at: number; data: unknown } };
}

export type UserDatabase = IDBPDatabase<UserSchema>;

const userDatabases = new Map<string, Promise<UserDatabase>>();
let device: Promise<IDBPDatabase<DeviceSchema>> | undefined;

export function deviceDatabase(): Promise<IDBPDatabase<DeviceSchema>> {
  device ??= openDB<DeviceSchema>("relaypacs", 1, {
    upgrade: (db) => void db.createObjectStore("session", { keyPath: "key" }),
    blocking: (_current, _blocked, event) => {
      (event.target as IDBDatabase).close();
      device = undefined;
    },
  });
  return device;
}

export const databaseName = (userId: string) => `relaypacs-${userId}`;

/** The database of one user; opened once a context, closed when a newer version of the page needs it. */
export function userDatabase(userId: string): Promise<UserDatabase> {
  const name = databaseName(userId);
  let open = userDatabases.get(name);
  if (!open) {
    open = openDB<UserSchema>(name, 1, {
      upgrade(db) {
        db.createObjectStore("drafts", { keyPath: "id" });
        db.createObjectStore("jobs", { keyPath: "id" });
        db.createObjectStore("files", { keyPath: ["owner", "fileId"] }).createIndex("owner", "owner");
        db.createObjectStore("lists", { keyPath: "key" });
      },
      blocking: (_current, _blocked, event) => {
        (event.target as IDBDatabase).close();
        userDatabases.delete(name);
      },
    });
    userDatabases.set(name, open);
  }
  return open;
}

/** Empties everything a user left on this device. */
export async function wipe(userId: string): Promise<void> {
  const db = await userDatabase(userId);
  const transaction = db.transaction(["drafts", "jobs", "files", "lists"], "readwrite");
  await Promise.all([
    transaction.objectStore("drafts").clear(),
    transaction.objectStore("jobs").clear(),
    transaction.objectStore("files").clear(),
    transaction.objectStore("lists").clear(),
    transaction.done,
  ]);
}
