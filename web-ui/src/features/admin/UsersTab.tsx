import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Role, User } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Ask } from "@/ui/Dialog";
import { SelectField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Status } from "@/ui/Status";
import { changeUser, deleteUser, usersQuery } from "./api";
import { Invites } from "./Invites";

export const ROLES: Role[] = ["clinician", "radiographer", "radiologist", "admin"];

/** Accounts: role, second factor, who may still sign in. */
export function UsersTab() {
  const t = useT();
  const users = useQuery(usersQuery);
  return (
    <>
      <Section title={t("users.title")}>
        {users.isPending && <Skeleton rows={4} />}
        {users.error && <Trouble error={users.error} retry={() => void users.refetch()} />}
        <ul className="divide-y divide-line">
          {users.data?.map((user) => (
            <UserRow key={user.id} user={user} />
          ))}
        </ul>
      </Section>
      <Invites />
    </>
  );
}

type Asking = null | "delete" | "totp" | "disable";

function UserRow({ user }: { user: User }) {
  const t = useT();
  const me = useUser();
  const offline = useOffline();
  const client = useQueryClient();
  const [asking, setAsking] = useState<Asking>(null);
  const again = {
    onSuccess: () => {
      setAsking(null);
      return client.invalidateQueries({ queryKey: ["users"] });
    },
  };
  const change = useMutation({ mutationFn: (body: Parameters<typeof changeUser>[1]) => changeUser(user.id, body), ...again });
  const drop = useMutation({ mutationFn: () => deleteUser(user.id), ...again });
  const error = change.error ?? drop.error;
  const act = () => (asking === "delete" ? drop.mutate() : change.mutate(asking === "totp" ? { totp_reset: true } : { is_active: false }));
  return (
    <li className="flex flex-wrap items-center gap-3 py-3" data-testid={`user-${user.username}`}>
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-semibold">
          <bdi>{user.full_name || user.username}</bdi>{" "}
          {user.id === me.id && <span className="font-normal text-muted">({t("users.you")})</span>}
        </p>
        <p className="text-sm text-muted">
          <bdi className="inline-block">{user.username}</bdi> · <bdi className="inline-block">{user.email}</bdi>
        </p>
      </div>
      <Status tone={user.is_active ? "ok" : "calm"}>{t(user.is_active ? "users.active" : "users.disabled")}</Status>
      <Status tone={user.totp_enabled ? "ok" : "calm"}>{t(user.totp_enabled ? "users.totp_on" : "users.totp_off")}</Status>
      <SelectField
        label={<span className="sr-only">{t("users.role_of", { name: user.username })}</span>}
        value={user.role}
        disabled={offline || change.isPending}
        onChange={({ target }) => change.mutate({ role: target.value as Role })}
      >
        {ROLES.map((role) => (
          <option key={role} value={role}>
            {t(`role.${role}`)}
          </option>
        ))}
      </SelectField>
      <div className="flex flex-wrap gap-2">
        {user.totp_enabled && (
          <Button disabled={offline} onClick={() => setAsking("totp")}>
            {t("users.reset_totp")}
          </Button>
        )}
        {user.is_active ? (
          <Button disabled={offline} onClick={() => setAsking("disable")}>
            {t("users.disable")}
          </Button>
        ) : (
          <Button disabled={offline} busy={change.isPending} onClick={() => change.mutate({ is_active: true })}>
            {t("users.enable")}
          </Button>
        )}
        <Button look="danger" disabled={offline} onClick={() => setAsking("delete")}>
          {t("delete")}
        </Button>
      </div>
      {error && !asking && <Trouble error={error} compact />}
      {asking && (
        <Ask
          title={t(`users.ask_${asking}`)}
          confirm={t(`users.yes_${asking}`)}
          busy={change.isPending || drop.isPending}
          onClose={() => setAsking(null)}
          onConfirm={act}
          error={error && <Trouble error={error} compact />}
        >
          <p>
            <bdi className="font-semibold">{user.username}</bdi> — {t(`users.text_${asking}`)}
          </p>
        </Ask>
      )}
    </li>
  );
}
