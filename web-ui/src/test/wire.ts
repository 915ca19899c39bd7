import type { Line } from "@/api/live";
import type { ServerEvent } from "@/api/sse";

/** A line that a test moves. */
export class Wire {
  line: Line = { state: "connecting", since: 1, heardAt: 0 };
  #lines = new Set<() => void>();
  #events = new Set<(event: ServerEvent) => void>();
  onLine = (listener: () => void) => {
    this.#lines.add(listener);
    return () => this.#lines.delete(listener);
  };
  onEvent = (handler: (event: ServerEvent) => void) => {
    this.#events.add(handler);
    return () => this.#events.delete(handler);
  };
  become(state: Line["state"]): void {
    this.line = { state, since: 2, heardAt: 3 };
    for (const listener of this.#lines) listener();
  }
  tell(event: ServerEvent): void {
    for (const handler of this.#events) handler(event);
  }
  get heard(): number {
    return this.#events.size;
  }
}
