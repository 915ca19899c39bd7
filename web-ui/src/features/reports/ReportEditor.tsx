import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldErrors } from "@/api/problem";
import type { Report, ReportStatus } from "@/api/types";
import { useOffline } from "@/api/useLive";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { AreaField, SelectField, TextField } from "@/ui/Field";
import { Section } from "@/ui/Page";
import { Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";
import { useToast } from "@/ui/Toasts";
import { changeReport, NEXT } from "./api";

/** What was typed and not saved; what is absent is as the box has it. `base`: the text that was there when typing began. */
type Edit = { text?: string; base?: string | null; name?: string; status?: ReportStatus };

/** For those who read studies: text, name and the next state. What is typed stays when the report changes meanwhile. */
export function ReportEditor({ report }: { report: Report }) {
  const t = useT();
  const toast = useToast();
  const offline = useOffline();
  const client = useQueryClient();
  const [edit, setEdit] = useState<Edit>({});
  const text = edit.text ?? report.report_text ?? "";
  const name = edit.name ?? report.radiologist_name ?? "";
  const states = [report.status, ...NEXT[report.status]];
  const status = edit.status && states.includes(edit.status) ? edit.status : report.status;
  const overtaken = edit.text !== undefined && edit.base !== (report.report_text ?? null);
  const save = useMutation({
    mutationFn: () =>
      changeReport(report.id, { ...(status === report.status ? {} : { status }), radiologist_name: name, report_text: text }),
    onSuccess: (changed) => {
      client.setQueryData(["report", report.id], changed);
      setEdit({});
      void client.invalidateQueries({ queryKey: ["reports"] });
      toast(t("saved"));
    },
  });
  const errors = fieldErrors(save.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Section title={t("report.edit")}>
      <form className="flex flex-col gap-4" onSubmit={submit}>
        <AreaField
          label={t("report.text")}
          value={text}
          onChange={({ target }) => setEdit({ base: report.report_text ?? null, ...edit, text: target.value })}
          rows={8}
          dir="auto"
          error={errors.report_text}
        />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={t("col.radiologist")}
            value={name}
            onChange={({ target }) => setEdit({ ...edit, name: target.value })}
            error={errors.radiologist_name}
            autoComplete="name"
          />
          <SelectField
            label={t("col.status")}
            value={status}
            onChange={({ target }) => setEdit({ ...edit, status: target.value as ReportStatus })}
            error={errors.status}
          >
            {states.map((one) => (
              <option key={one} value={one}>
                {t(`report.${one}`)}
              </option>
            ))}
          </SelectField>
        </div>
        {overtaken && <Banner tone="warn">{t("report.overtaken")}</Banner>}
        {save.error && Object.keys(errors).length === 0 && <Trouble error={save.error} compact />}
        <Button type="submit" look="primary" busy={save.isPending} disabled={offline} className="self-end">
          {t("save")}
        </Button>
      </form>
    </Section>
  );
}
