import { type FormEvent, useState } from "react";
import { ApiProblem } from "@/api/problem";
import { CodeNeeded, signIn } from "@/api/session";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Trouble } from "@/ui/StateView";
import { SecretField } from "./SecretField";

type Stage = { kind: "password" } | { kind: "code" };

export function SignInForm({ username: known }: { username: string }) {
  const t = useT();
  const [username, setUsername] = useState(known);
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [stage, setStage] = useState<Stage>({ kind: "password" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn({ username: username.trim(), password, ...(stage.kind === "code" ? { totp_code: code.replaceAll(" ", "") } : {}) });
    } catch (failure) {
      if (failure instanceof CodeNeeded) setStage({ kind: "code" });
      else setError(failure);
    } finally {
      setBusy(false);
    }
  };

  const refused = error instanceof ApiProblem && error.status === 401;
  const asking = stage.kind === "code";
  return (
    <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event)} noValidate>
      <TextField
        label={t("login.user")}
        id="username"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={username}
        onChange={({ target }) => setUsername(target.value)}
      />
      <SecretField
        label={t("login.password")}
        id="password"
        name="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={({ target }) => setPassword(target.value)}
      />
      {asking && (
        <TextField
          label={t("login.code")}
          id="totp"
          name="totp"
          inputMode="text"
          autoComplete="one-time-code"
          placeholder="000000"
          hint={t("login.code_hint")}
          autoFocus
          required
          maxLength={24}
          value={code}
          onChange={({ target }) => setCode(target.value)}
        />
      )}
      {refused && (
        <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-sm text-bad">
          {t("login.refused")}
        </p>
      )}
      {error !== null && !refused && <Trouble error={error} compact />}
      <Button type="submit" look="primary" data-testid="login-button" busy={busy} disabled={!username || !password || (asking && !code)}>
        {t(asking ? "login.submit_code" : "login.submit")}
      </Button>
    </form>
  );
}
