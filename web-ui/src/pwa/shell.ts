/** One file of the page as the build lists it; `revision` where the name does not change with the content. */
export type ShellFile = { url: string; revision: string | null };

const CACHE = "shell";

/** The files of the page, kept for a start without the line. What did not change with an update is not fetched again. */
export class Shell {
  /** Where each path is kept: a path whose content can change carries its revision. */
  readonly #keys: Map<string, string>;

  constructor(files: readonly ShellFile[]) {
    this.#keys = new Map(files.map(({ url, revision }) => [`/${url}`, revision ? `/${url}?v=${revision}` : `/${url}`]));
  }

  has(path: string): boolean {
    return this.#keys.has(path);
  }

  /** Fetches what is missing. Fails when one file cannot be had: half a page is none. */
  async install(): Promise<void> {
    const cache = await caches.open(CACHE);
    const held = await this.#held(cache);
    await Promise.all(
      [...this.#keys.values()].filter((key) => !held.includes(key)).map((key) => cache.add(new Request(key, { cache: "reload" }))),
    );
  }

  /** Forgets what the last version of the page had and this one has not. */
  async activate(): Promise<void> {
    const cache = await caches.open(CACHE);
    const wanted = new Set(this.#keys.values());
    const held = await this.#held(cache);
    await Promise.all(held.filter((key) => !wanted.has(key)).map((key) => cache.delete(key)));
  }

  async find(path: string): Promise<Response | undefined> {
    const key = this.#keys.get(path);
    return key ? (await caches.open(CACHE)).match(key) : undefined;
  }

  async #held(cache: Cache): Promise<string[]> {
    return (await cache.keys()).map(({ url }) => {
      const { pathname, search } = new URL(url);
      return pathname + search;
    });
  }
}
