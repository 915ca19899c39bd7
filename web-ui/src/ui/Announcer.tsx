import { createContext, type ReactNode, useCallback, useContext, useState } from "react";

const AnnounceContext = createContext<(text: string) => void>(() => undefined);

/** The page's one polite live region. */
export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const [text, setText] = useState("");
  const announce = useCallback((next: string) => setText((now) => (now === next ? `${next}\u00a0` : next)), []);
  return (
    <AnnounceContext value={announce}>
      {children}
      <div aria-live="polite" aria-atomic="true" data-testid="announcer" className="sr-only">
        {text}
      </div>
    </AnnounceContext>
  );
}

/** Gives a function that says something to those who do not see the page. */
export const useAnnounce = () => useContext(AnnounceContext);
