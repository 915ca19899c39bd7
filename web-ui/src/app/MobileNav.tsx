import { useQuery } from "@tanstack/react-query";
import { Bell } from "lucide-react";
import { Link, useLocation } from "react-router";
import { unreadQuery } from "@/api/queries";
import type { User } from "@/api/types";
import { useT } from "@/i18n/useT";
import { isAt, placesOf } from "./navigation";

/** The places at the thumb on small screens. */
export function MobileNav({ user }: { user: User }) {
  const t = useT();
  const { pathname } = useLocation();
  const unread = useQuery(unreadQuery);
  const places = [
    ...placesOf(user.role).filter(({ to }) => !to.startsWith("/admin")),
    { to: "/notifications", label: "nav.notifs", Icon: Bell },
  ];
  return (
    <nav
      aria-label={t("shell.nav")}
      className="no-print fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      {places.map(({ to, label, Icon }) => (
        <div key={to} className="relative flex-auto">
          <Link
            to={to}
            role="button"
            aria-current={isAt(to, pathname) ? "page" : undefined}
            className={`flex min-h-14 flex-col items-center justify-center gap-0.5 px-0.5 text-xs font-semibold tracking-tighter min-[400px]:tracking-normal ${isAt(to, pathname) ? "text-accent" : "text-muted"}`}
          >
            <Icon size={20} aria-hidden="true" />
            {t(label)}
          </Link>
          {to === "/notifications" && unread.data ? (
            <span className="pointer-events-none absolute start-1/2 top-1 ms-2 min-w-4 rounded-full bg-[#b91c1c] px-1 text-center text-xs font-bold text-white">
              {unread.data > 99 ? "99+" : unread.data}
            </span>
          ) : null}
        </div>
      ))}
    </nav>
  );
}
