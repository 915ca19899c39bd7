import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useOffline } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Trouble } from "@/ui/StateView";
import { Status } from "@/ui/Status";
import { beginTotp, disableTotp, finishTotp, type TotpSetup } from "./api";
import { codeOf, isCode } from "./rules";

type Stage = { kind: "idle" } | { kind: "setup"; setup: TotpSetup } | { kind: "codes"; codes: string[] } | { kind: "disable" };

/** The second factor: QR code, first code, recovery codes once. */
export function TotpSection() {
  const t = useT();
  const user = useUser();
  const offline = useOffline();
  const [stage, setStage] = useState<Stage>({ kind: "idle" });
  const begin = useMutation({ mutationFn: beginTotp, onSuccess: (setup) => setStage({ kind: "setup", setup }) });
  const on = user.totp_enabled;
  return (
    <Section
      title={t("totp.title")}
      actions={
        on ? (
          <Button look="danger" disabled={offline} onClick={() => setStage({ kind: "disable" })}>
            {t("totp.disable")}
          </Button>
        ) : (
          <Button busy={begin.isPending} disabled={offline} onClick={() => begin.mutate()}>
            {t("totp.enable")}
          </Button>
        )
      }
    >
      <Status tone={on ? "ok" : "calm"}>{t(on ? "totp.on" : "totp.off")}</Status>
      <p className="text-sm text-muted">{t("totp.text")}</p>
      {begin.error && <Trouble error={begin.error} compact />}
      {stage.kind === "setup" && (
        <SetupDialog setup={stage.setup} done={(codes) => setStage({ kind: "codes", codes })} close={() => setStage({ kind: "idle" })} />
      )}
      {stage.kind === "codes" && <CodesDialog codes={stage.codes} close={() => setStage({ kind: "idle" })} />}
      {stage.kind === "disable" && <DisableDialog close={() => setStage({ kind: "idle" })} />}
    </Section>
  );
}

function SetupDialog({ setup, done, close }: { setup: TotpSetup; done: (codes: string[]) => void; close: () => void }) {
  const t = useT();
  const [code, setCode] = useState("");
  const finish = useMutation({ mutationFn: () => finishTotp(codeOf(code)), onSuccess: done });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    finish.mutate();
  };
  return (
    <Dialog
      title={t("totp.setup")}
      onClose={close}
      actions={
        <Button type="submit" form="totp-setup" look="primary" busy={finish.isPending} disabled={!isCode(code)}>
          {t("totp.verify")}
        </Button>
      }
    >
      <p className="text-sm">{t("totp.scan")}</p>
      <img src={setup.qr_code} alt={t("totp.qr")} width="220" height="220" className="self-center rounded-lg bg-white p-2" />
      <p className="text-center text-sm">
        {t("totp.secret")}{" "}
        <code dir="ltr" className="font-semibold">
          {setup.secret}
        </code>
      </p>
      <form id="totp-setup" onSubmit={submit} className="flex flex-col gap-3">
        <TextField
          label={t("login.code")}
          inputMode="numeric"
          autoComplete="one-time-code"
          placeholder="000 000"
          value={code}
          onChange={({ target }) => setCode(target.value)}
          maxLength={7}
        />
        {finish.error && <Trouble error={finish.error} compact />}
      </form>
    </Dialog>
  );
}

function CodesDialog({ codes, close }: { codes: string[]; close: () => void }) {
  const t = useT();
  return (
    <Dialog
      title={t("totp.enabled")}
      onClose={close}
      actions={
        <>
          <Button onClick={() => void navigator.clipboard?.writeText(codes.join("\n"))}>{t("copy")}</Button>
          <Button look="primary" onClick={close}>
            {t("totp.kept")}
          </Button>
        </>
      }
    >
      <p className="text-sm">{t("totp.codes")}</p>
      <ul dir="ltr" data-testid="recovery-codes" className="grid gap-2 rounded-lg bg-sunken min-[420px]:grid-cols-2 p-4 font-mono text-sm">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
    </Dialog>
  );
}

function DisableDialog({ close }: { close: () => void }) {
  const t = useT();
  const [code, setCode] = useState("");
  const disable = useMutation({ mutationFn: () => disableTotp(codeOf(code)), onSuccess: close });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    disable.mutate();
  };
  return (
    <Dialog
      title={t("totp.disable_title")}
      onClose={close}
      actions={
        <Button type="submit" form="totp-disable" look="danger" busy={disable.isPending} disabled={code.trim().length < 6}>
          {t("totp.disable_yes")}
        </Button>
      }
    >
      <form id="totp-disable" onSubmit={submit} className="flex flex-col gap-3">
        <TextField
          label={t("totp.code_or_recovery")}
          autoComplete="one-time-code"
          placeholder="000 000"
          value={code}
          onChange={({ target }) => setCode(target.value)}
        />
        {disable.error && <Trouble error={disable.error} compact />}
      </form>
    </Dialog>
  );
}
