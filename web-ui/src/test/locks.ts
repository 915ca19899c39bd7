type Held = (lock: { name: string } | null) => unknown;
type Options = { ifAvailable?: boolean; signal?: AbortSignal };

/** Web Locks for one process: exclusive, first come first served. */
export function locks(): {
  request: (name: string, options: Options | Held, held?: Held) => Promise<unknown>;
  query: () => Promise<{ held: { name: string }[] }>;
} {
  const tails = new Map<string, Promise<unknown>>();
  const busy = new Set<string>();
  return {
    query: async () => ({ held: [...busy].map((name) => ({ name })) }),
    request(name, options, held) {
      const run = (typeof options === "function" ? options : held) as Held;
      const { ifAvailable = false } = typeof options === "function" ? {} : options;
      if (ifAvailable && busy.has(name)) return Promise.resolve(run(null));
      const turn = (tails.get(name) ?? Promise.resolve()).then(async () => {
        busy.add(name);
        try {
          return await run({ name });
        } finally {
          busy.delete(name);
        }
      });
      tails.set(
        name,
        turn.catch(() => undefined),
      );
      return turn;
    },
  };
}
