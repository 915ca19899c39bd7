import { createContext, useContext, useEffect, useEffectEvent, useSyncExternalStore } from "react";
import type { Line, Live } from "./live";
import type { ServerEvent } from "./sse";

export const LiveContext = createContext<Live | null>(null);

const NONE: Line = { state: "connecting", since: 0, heardAt: 0 };
const never = () => () => undefined;

/** The state of the line to the box. */
export function useLine(): Line {
  const live = useContext(LiveContext);
  return useSyncExternalStore(live?.onLine ?? never, () => live?.line ?? NONE);
}

/** True while what needs the box cannot work. */
export function useOffline(): boolean {
  return useLine().state === "offline";
}

/** Calls `handler` for each event of the box. */
export function useServerEvents(handler: (event: ServerEvent) => void): void {
  const live = useContext(LiveContext);
  const handle = useEffectEvent(handler);
  useEffect(() => live?.onEvent((event) => handle(event)), [live]);
}
