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
import { useToast } from "@/ui/Toasts";
import { changeReport, NEXT } from "./api";

/** For those who read studies: text, name and the next state. */
export function ReportEditor({ report }: { report: Report }) {
  const t = useT();
  const toast = useToast();
  const offline = useOffline();
  const client = useQueryClient();
  const [text, setText] = useState(report.report_text ?? "");
  const [name, setName] = useState(report.radiologist_name ?? "");
  const [status, setStatus] = useState<ReportStatus>(report.status);
  const save = useMutation({
    mutationFn: () =>
      changeReport(report.id, { ...(status === report.status ? {} : { status }), radiologist_name: name, report_text: text }),
    onSuccess: (changed) => {
      client.setQueryData(["report", report.id], changed);
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
          onChange={({ target }) => setText(target.value)}
          rows={8}
          dir="auto"
          error={errors.report_text}
        />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={t("col.radiologist")}
            value={name}
            onChange={({ target }) => setName(target.value)}
            error={errors.radiologist_name}
            autoComplete="name"
          />
          <SelectField
            label={t("col.status")}
            value={status}
            onChange={({ target }) => setStatus(target.value as ReportStatus)}
            error={errors.status}
          >
            {[report.status, ...NEXT[report.status]].map((one) => (
              <option key={one} value={one}>
                {t(`report.${one}`)}
              </option>
            ))}
          </SelectField>
        </div>
        {save.error && Object.keys(errors).length === 0 && <Trouble error={save.error} compact />}
        <Button type="submit" look="primary" busy={save.isPending} disabled={offline} className="self-end">
          {t("save")}
        </Button>
      </form>
    </Section>
  );
}
