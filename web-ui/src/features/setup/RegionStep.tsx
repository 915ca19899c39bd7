import { useLingui } from "@lingui/react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, call } from "@/api/client";
import { accountChanged } from "@/api/session";
import { useSession } from "@/api/useSession";
import { activate } from "@/i18n/i18n";
import { isLanguage, LANGUAGES } from "@/i18n/languages";
import { useT } from "@/i18n/useT";
import { timeZones } from "@/i18n/zone";
import { Button } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { Trouble } from "@/ui/StateView";

/** Language and time zone of the new account. */
export function RegionStep({ done }: { done: () => void }) {
  const t = useT();
  const session = useSession();
  const { i18n } = useLingui();
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone);
  const save = useMutation({
    mutationFn: async () => {
      if (session.kind !== "signed_in") return;
      const preferences = { ...session.user.preferences, language: i18n.locale, time_zone: zone };
      await accountChanged(await call(api.PATCH("/api/v1/auth/me", { body: { preferences } })));
    },
    onSuccess: done,
  });
  return (
    <>
      <h2 className="text-lg font-semibold">{t("setup.region")}</h2>
      <SelectField
        label={t("login.language")}
        value={i18n.locale}
        onChange={({ target }) => isLanguage(target.value) && void activate(target.value)}
      >
        {Object.entries(LANGUAGES).map(([code, { name }]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </SelectField>
      <SelectField label={t("prefs.zone")} value={zone} onChange={({ target }) => setZone(target.value)}>
        {[...new Set([zone, ...timeZones()])].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </SelectField>
      {save.error && <Trouble error={save.error} compact />}
      <Button look="primary" busy={save.isPending} onClick={() => save.mutate()}>
        {t("next")}
      </Button>
    </>
  );
}
