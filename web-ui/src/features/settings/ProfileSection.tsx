import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { useOffline } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Trouble } from "@/ui/StateView";
import { useToast } from "@/ui/Toasts";
import { useFieldErrors } from "@/ui/useFieldErrors";
import { changeMe } from "./api";
import { profileSchema } from "./rules";

export function ProfileSection() {
  const t = useT();
  const user = useUser();
  const toast = useToast();
  const offline = useOffline();
  const { register, handleSubmit, formState } = useForm({
    defaultValues: { full_name: user.full_name ?? "", email: user.email },
    resolver: zodResolver(profileSchema as never) as never,
    mode: "onTouched",
  });
  const save = useMutation({ mutationFn: changeMe, onSuccess: () => toast(t("saved")) });
  const refused = useFieldErrors(save.error, ["full_name", "email"]);
  const email = formState.errors.email?.message;
  return (
    <Section title={t("profile.title")}>
      <form
        className="grid gap-4 sm:grid-cols-2"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => save.mutate(values))(event)}
      >
        <TextField label={t("login.user")} value={user.username} readOnly />
        <TextField label={t("profile.role")} value={t(`role.${user.role}`)} readOnly />
        <TextField label={t("account.name")} autoComplete="name" error={refused.full_name} dir="auto" {...register("full_name")} />
        <TextField
          label={t("account.email")}
          type="email"
          autoComplete="email"
          error={email ? t(email) : refused.email}
          {...register("email")}
        />
        {save.error && Object.keys(refused).length === 0 && <Trouble error={save.error} compact />}
        <Button type="submit" look="primary" busy={save.isPending} disabled={offline} className="sm:col-start-2 sm:justify-self-end">
          {t("profile.save")}
        </Button>
      </form>
    </Section>
  );
}
