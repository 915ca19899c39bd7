import { useQuery } from "@tanstack/react-query";
import { Bell, LogOut } from "lucide-react";
import { useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { unreadQuery } from "@/api/queries";
import type { User } from "@/api/types";
import { useT } from "@/i18n/useT";
import { IconButton } from "@/ui/Button";
import { AccountMenu } from "./AccountMenu";
import { LeaveDialog, useLeave } from "./Leave";
import { isAt, placesOf } from "./navigation";

export function Header({ user }: { user: User }) {
  const t = useT();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const unread = useQuery(unreadQuery);
  const [asking, setAsking] = useState(false);
  const leave = useLeave(() => setAsking(true));
  return (
    <header className="flex items-center gap-2 bg-[#0f172a] px-4 text-[#f1f5f9] sm:px-6">
      <Link to="/" className="flex min-h-14 items-center gap-2 text-base font-bold">
        <img src="/icons/icon.svg" alt="" width="28" height="28" />
        RelayPACS
      </Link>
      <nav aria-label={t("shell.nav")} className="ms-4 hidden gap-1 lg:flex">
        {placesOf(user.role).map(({ to, label, Icon }) => (
          <Link
            key={to}
            to={to}
            role="button"
            aria-current={isAt(to, pathname) ? "page" : undefined}
            className={`flex items-center gap-2 rounded-lg px-3 py-2 text-sm font-semibold hover:bg-white/10 ${isAt(to, pathname) ? "bg-white/15" : ""}`}
          >
            <Icon size={16} aria-hidden="true" />
            {t(label)}
          </Link>
        ))}
      </nav>
      <div className="ms-auto flex items-center gap-1">
        <div className="relative">
          <IconButton label={t("shell.notifications")} className="hover:bg-white/10" onClick={() => void navigate("/notifications")}>
            <Bell size={20} aria-hidden="true" />
          </IconButton>
          {unread.data ? (
            <span
              data-testid="unread-badge"
              className="pointer-events-none absolute end-0.5 top-0.5 min-w-4 rounded-full bg-[#b91c1c] px-1 text-center text-xs font-bold text-white"
            >
              {unread.data > 99 ? "99+" : unread.data}
            </span>
          ) : null}
        </div>
        <AccountMenu user={user} />
        <IconButton label={t("shell.logout")} title={t("shell.logout")} className="hover:bg-white/10" onClick={leave}>
          <LogOut size={20} aria-hidden="true" className="rtl:-scale-x-100" />
        </IconButton>
      </div>
      {asking && <LeaveDialog user={user} onClose={() => setAsking(false)} />}
    </header>
  );
}
