import { CircleUserRound } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import type { User } from "@/api/types";
import { useT } from "@/i18n/useT";

const load = () => import("./AccountItems");
const AccountItems = lazy(load);

/** The account's button; what makes a menu comes when a hand is near it. */
export function AccountMenu({ user }: { user: User }) {
  const t = useT();
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <div className="relative">
      <button
        ref={button}
        type="button"
        aria-label={t("shell.account")}
        aria-haspopup="menu"
        aria-expanded={open}
        onPointerEnter={() => void load()}
        onFocus={() => void load()}
        onClick={() => setOpen((now) => !now)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          setOpen(true);
        }}
        className="inline-flex min-h-11 items-center gap-2 rounded-lg px-2 text-sm font-medium hover:bg-white/10 lg:pointer-fine:min-h-9"
      >
        <CircleUserRound size={20} aria-hidden="true" />
        <bdi className="hidden max-w-40 truncate sm:inline">{user.full_name || user.username}</bdi>
      </button>
      {open && (
        <Suspense>
          <AccountItems user={user} button={button} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </div>
  );
}
