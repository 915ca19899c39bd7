import { DropdownMenu } from "radix-ui";
import type { RefObject } from "react";
import { useNavigate } from "react-router";
import type { User } from "@/api/types";
import { useT } from "@/i18n/useT";
import { lockHere } from "./Leave";

const ITEM = "flex min-h-11 cursor-pointer items-center rounded-lg px-3 text-sm outline-none data-[highlighted]:bg-sunken";

type Props = { user: User; button: RefObject<HTMLButtonElement | null>; onClose: () => void };

/** The open menu of the account, below its button, which has the focus again when it closes. */
export default function AccountItems({ user, button, onClose }: Props) {
  const t = useT();
  const navigate = useNavigate();
  return (
    <DropdownMenu.Root
      open
      modal={false}
      dir={document.documentElement.dir === "rtl" ? "rtl" : "ltr"}
      onOpenChange={(open) => !open && onClose()}
    >
      {/* Only a place: what people press is the button. */}
      <DropdownMenu.Trigger asChild>
        <span aria-hidden="true" className="pointer-events-none absolute inset-0" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          aria-label={t("shell.account")}
          aria-labelledby={undefined}
          onInteractOutside={(event) => button.current?.contains(event.target as Node) && event.preventDefault()}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            button.current?.focus();
          }}
          className="card z-40 min-w-52 p-1 text-text shadow-lg"
        >
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
