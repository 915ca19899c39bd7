import { useEffect } from "react";
import { lock } from "@/api/session";

const IDLE_MS = 15 * 60_000;
const SIGNS = ["pointerdown", "keydown", "wheel", "touchstart"] as const;

/** After a quarter of an hour without a hand on it, the page locks. */
export function useIdleLock(): void {
  useEffect(() => {
    let timer = setTimeout(lockNow, IDLE_MS);
    function lockNow(): void {
      void lock();
    }
    function active(): void {
      clearTimeout(timer);
      timer = setTimeout(lockNow, IDLE_MS);
    }
    for (const sign of SIGNS) addEventListener(sign, active, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const sign of SIGNS) removeEventListener(sign, active);
    };
  }, []);
}
