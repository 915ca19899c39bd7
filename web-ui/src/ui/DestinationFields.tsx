import type { DestinationForm } from "@/api/destinations";
import { useT } from "@/i18n/useT";
import { SelectField, TextField } from "./Field";

type Props = {
  form: DestinationForm;
  change: (form: DestinationForm) => void;
  errors: Record<string, string>;
  /** It is there already: its name stays. */
  known?: boolean;
};

/** What the box may refuse beside a field. */
export const DESTINATION_FIELDS = ["name", "url", "kind", "user", "password", "token"];

/** Where a destination is and how the box signs in there. */
export function DestinationFields({ form, change, errors, known = false }: Props) {
  const t = useT();
  const set = (part: Partial<DestinationForm>) => change({ ...form, ...part });
  return (
    <>
      <TextField
        label={t("dest.name")}
        value={form.name}
        onChange={({ target }) => set({ name: target.value })}
        error={errors.name}
        readOnly={known}
        required
        autoComplete="off"
        placeholder="main"
      />
      <TextField
        label={t("dest.url")}
        type="url"
        value={form.url}
        onChange={({ target }) => set({ url: target.value })}
        error={errors.url}
        hint={t("dest.url_hint")}
        required
        autoComplete="off"
        placeholder="https://pacs.example.org/dicom-web"
        dir="ltr"
      />
      <SelectField
        label={t("dest.auth")}
        value={form.kind}
        onChange={({ target }) => set({ kind: target.value as DestinationForm["kind"] })}
        error={errors.kind}
      >
        {known && <option value="keep">{t("dest.auth_keep")}</option>}
        <option value="none">{t("dest.auth_none")}</option>
        <option value="basic">{t("dest.auth_basic")}</option>
        <option value="bearer">{t("dest.auth_bearer")}</option>
      </SelectField>
      {form.kind === "basic" && (
        <TextField
          label={t("dest.user")}
          value={form.user}
          onChange={({ target }) => set({ user: target.value })}
          autoComplete="off"
          error={errors.user}
        />
      )}
      {(form.kind === "basic" || form.kind === "bearer") && (
        <TextField
          label={t(form.kind === "basic" ? "dest.password" : "dest.token")}
          type="password"
          value={form.secret}
          onChange={({ target }) => set({ secret: target.value })}
          autoComplete="off"
          error={errors.password ?? errors.token}
        />
      )}
    </>
  );
}
