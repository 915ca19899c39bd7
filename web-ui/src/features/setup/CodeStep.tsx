import { type FormEvent, useState } from "react";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { CodeField } from "./CodeField";

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
      <CodeField code={code} change={setCode} />
      <Button type="submit" look="primary" disabled={code.length !== 9}>
        {t("next")}
      </Button>
    </form>
  );
}
