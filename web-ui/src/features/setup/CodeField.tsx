import { useT } from "@/i18n/useT";
import { TextField } from "@/ui/Field";
import { normalCode } from "./code";

/** Where the set-up code is entered, with how to get one. */
export function CodeField({ code, change, error }: { code: string; change: (code: string) => void; error?: string }) {
  const t = useT();
  return (
    <>
      <TextField
        label={t("setup.code_label")}
        placeholder="K7RM-2WPX"
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        autoFocus
        value={code}
        onChange={({ target }) => change(normalCode(target.value))}
        error={error}
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
    </>
  );
}
