import { zodResolver } from "@hookform/resolvers/zod";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { z } from "zod/mini";
import { passwordHolds } from "@/api/password";
import { ApiProblem } from "@/api/problem";
import { register as registerAccount } from "@/api/session";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { PasswordRules } from "@/ui/PasswordRules";
import { Trouble } from "@/ui/StateView";
import { useFieldErrors } from "@/ui/useFieldErrors";
import { CodeField } from "./CodeField";

const schema = z
  .object({
    fullName: z.string(),
    username: z.string().check(z.regex(/^[A-Za-z0-9_-]{3,50}$/, "account.username_rule")),
    email: z.string().check(z.email("account.email_rule")),
    password: z.string(),
    again: z.string(),
  })
  .check(
    z.refine(({ password, username }) => passwordHolds(password, username), { path: ["password"], message: "account.password_rule" }),
    z.refine(({ password, again }) => password === again, { path: ["again"], message: "account.again_rule" }),
  );

type Props = { code: string; setCode: (code: string) => void; done: () => void; beginning: () => void };
type Values = { fullName: string; username: string; email: string; password: string; again: string };

/** The first account: the administrator. A code that the box refuses is entered anew here, so that nothing typed is lost. */
export function AccountStep({ code, setCode, done, beginning }: Props) {
  const t = useT();
  const [error, setError] = useState<unknown>(null);
  const { register, handleSubmit, formState, watch } = useForm<Values>({
    resolver: zodResolver(schema as never) as never,
    defaultValues: { fullName: "", username: "", email: "", password: "", again: "" },
    mode: "onTouched",
  });
  const refused = useFieldErrors(error, ["username", "email", "password"]);
  const codeRefused = error instanceof ApiProblem && error.status === 403;
  const problem = (key: keyof Values, field: string) => {
    const message = formState.errors[key]?.message;
    return message ? t(message) : refused[field];
  };
  const submit = async (values: Values) => {
    setError(null);
    beginning();
    const { username, email, password, fullName } = values;
    await registerAccount({ username, email, password, setup_code: code, ...(fullName ? { full_name: fullName } : {}) }).then(
      done,
      setError,
    );
  };
  const [password, username] = watch(["password", "username"]);
  return (
    <form className="flex flex-col gap-4" noValidate onSubmit={(event) => void handleSubmit(submit)(event)}>
      <h2 className="text-lg font-semibold">{t("setup.account")}</h2>
      <p className="text-sm text-muted">{t("setup.account_text")}</p>
      <TextField label={t("account.name")} autoComplete="name" {...register("fullName")} />
      <TextField
        label={t("login.user")}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        error={problem("username", "username")}
        {...register("username")}
      />
      <TextField label={t("account.email")} type="email" autoComplete="email" error={problem("email", "email")} {...register("email")} />
      <TextField
        label={t("account.password")}
        type="password"
        autoComplete="new-password"
        error={problem("password", "password")}
        {...register("password")}
      />
      <PasswordRules password={password} username={username} />
      <TextField
        label={t("account.again")}
        type="password"
        autoComplete="new-password"
        error={problem("again", "again")}
        {...register("again")}
      />
      {codeRefused && <CodeField code={code} change={setCode} error={t("setup.code_refused")} />}
      {error !== null && !codeRefused && Object.keys(refused).length === 0 && <Trouble error={error} compact />}
      <Button type="submit" look="primary" busy={formState.isSubmitting}>
        {t("setup.account_do")}
      </Button>
    </form>
  );
}
