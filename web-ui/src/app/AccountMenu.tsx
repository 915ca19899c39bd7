import { CircleUserRound } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useNavigate } from "react-router";
import type { User } from "@/api/types";
import { useT } from "@/i18n/useT";
import { lockHere } from "./Leave";

const ITEM = "flex min-h-11 cursor-pointer items-center rounded-lg px-3 text-sm outline-none data-[highlighted]:bg-sunken";

export function AccountMenu({ user }: { user: User }) {
  const t = useT();
  const navigate = useNavigate();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger
        aria-label={t("shell.account")}
        className="inline-flex min-h-11 items-center gap-2 rounded-lg px-2 text-sm font-medium hover:bg-white/10 lg:pointer-fine:min-h-9"
      >
        <CircleUserRound size={20} aria-hidden="true" />
        <bdi className="hidden max-w-40 truncate sm:inline">{user.full_name || user.username}</bdi>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={6} className="card z-40 min-w-52 p-1 text-text shadow-lg">
          <DropdownMenu.Label className="px-3 py-2 text-xs text-muted">
            <bdi>{user.username}</bdi> · {t(`role.${user.role}`)}
          </DropdownMenu.Label>
          <DropdownMenu.Item className={ITEM} onSelect={() => void navigate("/settings")}>
            {t("shell.settings")}
          </DropdownMenu.Item>
          <DropdownMenu.Item className={ITEM} onSelect={() => void lockHere()}>
            {t("shell.lock")}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
