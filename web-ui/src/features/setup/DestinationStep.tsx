import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addDestination, changeDestination, type DestinationForm, testDestination } from "@/api/destinations";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { DESTINATION_FIELDS, DestinationFields } from "@/ui/DestinationFields";
import { EchoSteps } from "@/ui/EchoSteps";
import { Trouble } from "@/ui/StateView";
import { useFieldErrors } from "@/ui/useFieldErrors";

/** The first PACS; may be skipped. */
export function DestinationStep({ done }: { done: () => void }) {
  const t = useT();
  const [form, setForm] = useState<DestinationForm>({ name: "main", url: "", kind: "none", user: "", secret: "" });
  /** As the box has it. */
  const [added, setAdded] = useState<DestinationForm | null>(null);
  const test = useMutation({
    mutationFn: async () => {
      if (added !== form) await (added ? changeDestination : addDestination)(form);
      setAdded(form);
      return testDestination(form.name);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    test.mutate();
  };
  const errors = useFieldErrors(test.error, DESTINATION_FIELDS);
  const works = test.data?.ok === true && added === form;
  return (
    <form className="flex flex-col gap-4" onSubmit={submit} noValidate>
      <h2 className="text-lg font-semibold">{t("setup.destination")}</h2>
      <p className="text-sm text-muted">{t("setup.destination_text")}</p>
      <DestinationFields form={form} change={setForm} errors={errors} known={added !== null} />
      {test.data && <EchoSteps result={test.data} />}
      {test.error && Object.keys(errors).length === 0 && <Trouble error={test.error} compact />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button look={works ? "primary" : "plain"} onClick={done}>
          {t(works ? "next" : "setup.skip")}
        </Button>
        <Button type="submit" look={works ? "plain" : "primary"} busy={test.isPending} disabled={!form.name || !form.url}>
          {t(added ? "dest.test" : "setup.destination_test")}
        </Button>
      </div>
    </form>
  );
}
