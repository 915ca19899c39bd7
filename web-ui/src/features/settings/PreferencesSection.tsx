import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Preferences } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useRole, useUser } from "@/api/useSession";
import { LANGUAGES } from "@/i18n/languages";
import { useT } from "@/i18n/useT";
import { timeZones } from "@/i18n/zone";
import { readRequestMib, saveRequestMib } from "@/store/device";
import { CheckField, SelectField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Trouble } from "@/ui/StateView";
import { changeMe } from "./api";

const NOTICES = ["upload_complete", "upload_failed", "report_assigned", "report_ready", "additional_data_required", "security"];
/** What is told to those who look after the box. */
const TECHNICAL = ["pacs_unreachable", "pacs_recovered", "study_held", "disk_low"];
const REQUEST_MIB = [1, 2, 4, 8, 16];

/** Every choice holds at once. */
export function PreferencesSection() {
  const t = useT();
  const offline = useOffline();
  const { preferences } = useUser();
  const [mib, setMib] = useState(readRequestMib);
  const save = useMutation({ mutationFn: (change: Partial<Preferences>) => changeMe({ preferences: { ...preferences, ...change } }) });
  const choose = (key: keyof Preferences) => ({
    disabled: offline,
    value: String(preferences[key] ?? ""),
    onChange: ({ target }: { target: { value: string } }) => save.mutate({ [key]: target.value }),
  });
  const { notify } = preferences;
  // None named means all.
  const told = notify.types.length > 0 ? notify.types : [...NOTICES, ...TECHNICAL];
  const shown = useRole("radiographer", "admin") ? [...NOTICES, ...TECHNICAL] : NOTICES;
  const notice = (type: string, on: boolean) => {
    const types = on ? [...told, type] : told.filter((one) => one !== type);
    save.mutate({ notify: { ...notify, types } });
  };
  return (
    <Section title={t("prefs.title")}>
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField label={t("login.language")} {...choose("language")}>
          {Object.entries(LANGUAGES).map(([code, { name }]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </SelectField>
        <SelectField label={t("prefs.theme")} {...choose("theme")}>
          {["system", "light", "dark"].map((theme) => (
            <option key={theme} value={theme}>
              {t(`theme.${theme}`)}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t("prefs.zone")}
          disabled={offline}
          value={preferences.time_zone ?? ""}
          onChange={({ target }) => save.mutate({ time_zone: target.value || null })}
        >
          <option value="">{t("prefs.zone_here")}</option>
          {timeZones().map((zone) => (
            <option key={zone}>{zone}</option>
          ))}
        </SelectField>
        <SelectField label={t("prefs.level")} {...choose("default_service_level")}>
          {["stat", "emergency", "routine", "subspecialty"].map((level) => (
            <option key={level} value={level}>
              {t(`level.${level}`)}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t("prefs.request")}
          hint={t("prefs.request_hint")}
          value={mib}
          onChange={({ target }) => {
            saveRequestMib(Number(target.value));
            setMib(Number(target.value));
          }}
        >
          {REQUEST_MIB.map((size) => (
            <option key={size} value={size}>
              {size} MiB
            </option>
          ))}
        </SelectField>
      </div>
      <fieldset className="flex flex-col">
        <legend className="text-sm font-medium">{t("prefs.notices")}</legend>
        <p className="text-xs text-muted">{t("prefs.notices_hint")}</p>
        {shown.map((type) => (
          <CheckField
            key={type}
            label={t(`notice.${type}`)}
            disabled={offline || (told.length === 1 && told[0] === type)}
            checked={told.includes(type)}
            onChange={({ target }) => notice(type, target.checked)}
          />
        ))}
        <CheckField
          label={t("prefs.email")}
          disabled={offline}
          checked={notify.email}
          onChange={({ target }) => save.mutate({ notify: { ...notify, email: target.checked } })}
        />
      </fieldset>
      {save.error && <Trouble error={save.error} compact />}
    </Section>
  );
}
