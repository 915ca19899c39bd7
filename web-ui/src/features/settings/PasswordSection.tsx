import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { ApiProblem } from "@/api/problem";
import { useOffline } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { PasswordRules } from "@/ui/PasswordRules";
import { Trouble } from "@/ui/StateView";
import { useToast } from "@/ui/Toasts";
import { useFieldErrors } from "@/ui/useFieldErrors";
import { changePassword } from "./api";
import { passwordSchema } from "./rules";

export function PasswordSection() {
  const t = useT();
  const offline = useOffline();
  const [open, setOpen] = useState(false);
  return (
    <Section
      title={t("password.title")}
      actions={
        <Button disabled={offline} onClick={() => setOpen(true)}>
          {t("password.change")}
        </Button>
      }
    >
      <p className="text-sm text-muted">{t("password.text")}</p>
      {open && <PasswordDialog close={() => setOpen(false)} />}
    </Section>
  );
}

type Values = { current: string; next: string; again: string };

function PasswordDialog({ close }: { close: () => void }) {
  const t = useT();
  const user = useUser();
  const toast = useToast();
  const { register, handleSubmit, watch, formState } = useForm<Values>({
    defaultValues: { current: "", next: "", again: "" },
    resolver: zodResolver(passwordSchema(user.username) as never) as never,
    mode: "onTouched",
  });
  const save = useMutation({
    mutationFn: ({ current, next }: Values) => changePassword({ current_password: current, new_password: next }),
    onSuccess: () => {
      toast(t("password.changed"));
      close();
    },
  });
  const refused = useFieldErrors(save.error, ["current_password", "new_password"]);
  const wrong = save.error instanceof ApiProblem && [400, 401, 403].includes(save.error.status) ? t("password.wrong") : undefined;
  const problem = (key: keyof Values, field: string) => {
    const message = formState.errors[key]?.message;
    return message ? t(message) : refused[field];
  };
  return (
    <Dialog
      title={t("password.change")}
      onClose={close}
      actions={
        <Button type="submit" form="password" look="primary" busy={save.isPending}>
          {t("password.save")}
        </Button>
      }
    >
      <form
        id="password"
        className="flex flex-col gap-4"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => save.mutate(values))(event)}
      >
        <TextField
          label={t("password.current")}
          type="password"
          autoComplete="current-password"
          error={problem("current", "current_password") ?? wrong}
          {...register("current")}
        />
        <TextField
          label={t("password.next")}
          type="password"
          autoComplete="new-password"
          error={problem("next", "new_password")}
          {...register("next")}
        />
        <PasswordRules password={watch("next")} username={user.username} />
        <TextField
          label={t("account.again")}
          type="password"
          autoComplete="new-password"
          error={problem("again", "")}
          {...register("again")}
        />
        {save.error && !wrong && Object.keys(refused).length === 0 && <Trouble error={save.error} compact />}
      </form>
    </Dialog>
  );
}
