import { type FormEvent, useState } from "react";
import { passwordHolds } from "@/api/password";
import { ApiProblem } from "@/api/problem";
import { register } from "@/api/session";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { PasswordRules } from "@/ui/PasswordRules";
import { Trouble } from "@/ui/StateView";
import { useFieldErrors } from "@/ui/useFieldErrors";
import { SecretField } from "./SecretField";

/** A new account needs the code of an invite; the role is the invite's. */
export default function SignUpForm({ invite: given }: { invite: string }) {
  const t = useT();
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [invite, setInvite] = useState(given);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const refused = error instanceof ApiProblem && error.status === 403;
  const errors = useFieldErrors(error, ["username", "email", "password", "invite"]);
  const fields: Record<string, string> = refused ? { invite: t("login.invite_refused") } : errors;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    await register({ username: username.trim(), email: email.trim(), password, invite: invite.trim() }).catch(setError);
    setBusy(false);
  };

  const complete = username.length >= 3 && email.includes("@") && passwordHolds(password, username) && invite.trim() !== "";
  return (
    <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event)} noValidate>
      <TextField
        label={t("login.user")}
        id="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={username}
        onChange={({ target }) => setUsername(target.value)}
        error={fields.username}
      />
      <TextField
        label={t("login.email")}
        id="email"
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={({ target }) => setEmail(target.value)}
        error={fields.email}
      />
      <SecretField
        label={t("login.password")}
        id="password"
        autoComplete="new-password"
        required
        value={password}
        onChange={({ target }) => setPassword(target.value)}
        error={fields.password}
        aria-describedby="password-rules"
      />
      <PasswordRules id="password-rules" password={password} username={username} />
      <TextField
        label={t("login.invite")}
        id="invite"
        autoComplete="off"
        required
        value={invite}
        onChange={({ target }) => setInvite(target.value)}
        hint={t("login.invite_hint")}
        error={fields.invite}
      />
      {error !== null && Object.keys(fields).length === 0 && <Trouble error={error} compact />}
      <Button type="submit" look="primary" data-testid="login-button" busy={busy} disabled={!complete}>
        {t("login.submit_up")}
      </Button>
    </form>
  );
}
