import { Check, Dot } from "lucide-react";
import { PASSWORD_RULES } from "@/api/password";
import { useT } from "@/i18n/useT";

/** The rules of a password, each ticked as it is met. */
export function PasswordRules({ password, username, id }: { password: string; username: string; id?: string }) {
  const t = useT();
  return (
    <ul id={id} className="grid gap-x-4 text-xs sm:grid-cols-2">
      {PASSWORD_RULES.map((rule) => {
        const met = password !== "" && rule.holds(password, username);
        return (
          <li key={rule.id} className={`flex items-center gap-1 ${met ? "text-ok" : "text-muted"}`}>
            {met ? <Check size={14} aria-hidden="true" /> : <Dot size={14} aria-hidden="true" />}
            {t(`password.${rule.id}`)}
            {met && <span className="sr-only">({t("password.met")})</span>}
          </li>
        );
      })}
    </ul>
  );
}
