import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { components } from "@/api/schema";
import type { Role } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Ask, Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Trouble } from "@/ui/StateView";
import { invite, invitesQuery, withdrawInvite } from "./api";
import { ROLES } from "./UsersTab";

type Invite = components["schemas"]["Invite"];

/** Invites that are open, and making one. */
export function Invites() {
  const t = useT();
  const format = useFormat();
  const offline = useOffline();
  const client = useQueryClient();
  const invites = useQuery(invitesQuery);
  const [role, setRole] = useState<Role>("clinician");
  const [email, setEmail] = useState("");
  const [withdrawing, setWithdrawing] = useState<Invite | null>(null);
  const again = { onSuccess: () => client.invalidateQueries({ queryKey: ["invites"] }) };
  const make = useMutation({ mutationFn: () => invite({ role, ...(email ? { email } : {}) }), ...again });
  const withdraw = useMutation({ mutationFn: withdrawInvite, ...again });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Section title={t("invites.title")}>
      <form onSubmit={submit} className="grid items-end gap-3 sm:grid-cols-[1fr_1fr_auto]">
        <SelectField label={t("profile.role")} value={role} onChange={({ target }) => setRole(target.value as Role)}>
          {ROLES.map((one) => (
            <option key={one} value={one}>
              {t(`role.${one}`)}
            </option>
          ))}
        </SelectField>
        <TextField
          label={t("invites.email")}
          type="email"
          value={email}
          onChange={({ target }) => setEmail(target.value)}
          autoComplete="off"
        />
        <Button type="submit" look="primary" busy={make.isPending} disabled={offline}>
          {t("invites.make")}
        </Button>
      </form>
      {(make.error || withdraw.error || invites.error) && <Trouble error={make.error ?? withdraw.error ?? invites.error} compact />}
      {invites.data?.length === 0 && <p className="text-sm text-muted">{t("invites.none")}</p>}
      <ul className="divide-y divide-line">
        {invites.data?.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center justify-between gap-3 py-2 text-sm">
            <span>
              {t(`role.${one.role}`)} {one.email && <bdi className="text-muted">{one.email}</bdi>} ·{" "}
              {t("invites.until", { when: format.moment(one.expires_at) })}
            </span>
            <Button disabled={offline} onClick={() => setWithdrawing(one)}>
              {t("invites.withdraw")}
            </Button>
          </li>
        ))}
      </ul>
      {withdrawing && (
        <Ask
          title={t("invites.withdraw")}
          confirm={t("invites.withdraw")}
          onClose={() => setWithdrawing(null)}
          onConfirm={() => {
            withdraw.mutate(withdrawing.id);
            setWithdrawing(null);
          }}
        >
          <p>{t("invites.withdraw_text", { role: t(`role.${withdrawing.role}`), email: withdrawing.email ?? "–" })}</p>
        </Ask>
      )}
      {make.data && <InviteDialog made={make.data} close={() => make.reset()} />}
    </Section>
  );
}

function InviteDialog({ made, close }: { made: Invite; close: () => void }) {
  const t = useT();
  const link = made.url ? new URL(made.url, location.origin).href : "";
  return (
    <Dialog
      title={t("invites.made")}
      onClose={close}
      actions={
        <>
          <Button onClick={() => void navigator.clipboard?.writeText(link || (made.code ?? ""))}>{t("copy")}</Button>
          <Button look="primary" onClick={close}>
            {t("done")}
          </Button>
        </>
      }
    >
      <p className="text-sm">{t("invites.once")}</p>
      {made.qr_code && (
        <figure className="flex flex-col items-center gap-2">
          <img src={made.qr_code} alt={t("invites.qr")} width="220" height="220" className="rounded-lg bg-white" />
          <figcaption className="text-center text-sm text-muted">{t("invites.scan")}</figcaption>
        </figure>
      )}
      <TextField label={t("login.invite")} value={made.code ?? ""} readOnly dir="ltr" />
      {link && <TextField label={t("invites.link")} value={link} readOnly dir="ltr" />}
    </Dialog>
  );
}
