import { type FormEvent, useState } from "react";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { normalCode } from "./code";

export function CodeStep({ code: given, done }: { code: string; done: (code: string) => void }) {
  const t = useT();
  const [code, setCode] = useState(given);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    done(code);
  };
  return (
    <form className="flex flex-col gap-4" onSubmit={submit}>
      <h2 className="text-lg font-semibold">{t("setup.code")}</h2>
      <p className="text-sm text-muted">{t("setup.code_text")}</p>
      <TextField
        label={t("setup.code_label")}
        placeholder="K7RM-2WPX"
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        autoFocus
        value={code}
        onChange={({ target }) => setCode(normalCode(target.value))}
        className="text-center font-mono tracking-widest"
        dir="ltr"
      />
      <details className="text-sm">
        <summary>{t("setup.code_how")}</summary>
        <ul className="list-disc ps-5 pt-2 text-muted">
          <li>{t("setup.code_lcd")}</li>
          <li>
            {t("setup.code_cli")} <code dir="ltr">relaypacs setup-code</code>
          </li>
          <li>{t("setup.code_life")}</li>
        </ul>
      </details>
      <Button type="submit" look="primary" disabled={code.length !== 9}>
        {t("next")}
      </Button>
    </form>
  );
}
