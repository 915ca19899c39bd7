import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useState } from "react";

export type Item = { id: number; text: ReactNode; action?: { label: string; run: () => void } };
type Show = (text: ReactNode, action?: Item["action"]) => void;

const ToastContext = createContext<Show>(() => undefined);
// What was done is done, also where its word cannot be shown.
const ToastList = lazy(() => import("./ToastList").catch(() => ({ default: () => <></> })));
let last = 0;

/** Short words about what was just done; three at most. What shows them comes with the first. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<Item[]>([]);
  const [used, setUsed] = useState(false);
  const show = useCallback<Show>((text, action) => {
    last += 1;
    const item: Item = action ? { id: last, text, action } : { id: last, text };
    setItems((now) => [...now, item].slice(-3));
    setUsed(true);
  }, []);
  const drop = (id: number) => setItems((now) => now.filter((item) => item.id !== id));
  return (
    <ToastContext value={show}>
      {children}
      {used && (
        <Suspense>
          <ToastList items={items} drop={drop} />
        </Suspense>
      )}
    </ToastContext>
  );
}

export const useToast = () => useContext(ToastContext);
