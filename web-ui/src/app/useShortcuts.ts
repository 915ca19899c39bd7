import { useEffect } from "react";
import { useNavigate } from "react-router";

const writes = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.closest("dialog") !== null);

/** `/` searches the studies, `u` uploads; not while someone writes. */
export function useShortcuts(): void {
  const navigate = useNavigate();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || writes(event.target)) return;
      if (event.key === "/") {
        event.preventDefault();
        const search = document.querySelector<HTMLElement>('input[type="search"]');
        if (search) search.focus();
        else void navigate("/studies", { state: { search: true } });
      } else if (event.key === "u") void navigate("/");
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [navigate]);
}
