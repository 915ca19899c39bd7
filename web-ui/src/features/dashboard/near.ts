import { type RefObject, startTransition, useEffect, useState } from "react";

/** So far below the window something is made ready before it is scrolled to. */
const AHEAD = "300px";
/** A browser that is never idle gives the next turn after this all the same. */
const LONGEST_MS = 500;

let last = Promise.resolve();

/** Waits until those who asked before had their turn and the browser has nothing more urgent to do. */
function turn(): Promise<void> {
  last = last.then(
    () =>
      new Promise((resolve) => {
        if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: LONGEST_MS });
        else setTimeout(resolve);
      }),
  );
  return last;
}

/** Whether what costs much to draw is to be drawn at this place: once it is in or near the window, or printed; each place in a turn of its own. */
export function useNear(place: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let here = true;
    const come = () => {
      watch.disconnect();
      removeEventListener("beforeprint", come);
      void turn().then(() => here && startTransition(() => setNear(true)));
    };
    const watch = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && come(), {
      rootMargin: AHEAD,
    });
    watch.observe(element);
    addEventListener("beforeprint", come);
    return () => {
      here = false;
      watch.disconnect();
      removeEventListener("beforeprint", come);
    };
  }, [place]);
  return near;
}
