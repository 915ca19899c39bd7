import { X } from "lucide-react";
import { Toast } from "radix-ui";
import { useT } from "@/i18n/useT";
import type { Item } from "./Toasts";

/** The toasts that are up, in a corner over the page. */
export default function ToastList({ items, drop }: { items: Item[]; drop: (id: number) => void }) {
  const t = useT();
  return (
    <Toast.Provider swipeDirection="down" label={t("toast.label")}>
      {items.map((item) => (
        <Toast.Root
          key={item.id}
          duration={item.action ? 15_000 : 5000}
          onOpenChange={(open) => !open && drop(item.id)}
          className="card flex items-center gap-3 px-4 py-2 text-sm shadow-lg"
        >
          <Toast.Description className="min-w-0 flex-1">{item.text}</Toast.Description>
          {item.action && (
            <Toast.Action
              altText={item.action.label}
              onClick={item.action.run}
              className="min-h-11 rounded-lg px-3 font-semibold text-accent hover:bg-sunken"
            >
              {item.action.label}
            </Toast.Action>
          )}
          <Toast.Close aria-label={t("close")} className="inline-flex size-11 items-center justify-center rounded-lg hover:bg-sunken">
            <X size={18} aria-hidden="true" />
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="fixed inset-x-4 bottom-20 z-50 flex flex-col gap-2 outline-none sm:start-auto sm:end-6 sm:bottom-6 sm:w-96" />
    </Toast.Provider>
  );
}
