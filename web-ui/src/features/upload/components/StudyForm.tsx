import { zodResolver } from "@hookform/resolvers/zod";
import { useEffect, useEffectEvent } from "react";
import { useForm } from "react-hook-form";
import { useT } from "@/i18n/useT";
import type { DraftStudy, StudyForm as Values } from "@/store/draft";
import { AreaField, SelectField, TextField } from "@/ui/Field";
import { Status } from "@/ui/Status";
import { MODALITIES } from "../engine/chosen";
import { normalAge, studySchema } from "../form";

type Props = { study: DraftStudy; formId: string; onChange: (values: Values) => void; onSubmit: () => void };

/** The form of one study. What the file says of name, date and modality is not to be changed here. */
export function StudyForm({ study, formId, onChange, onSubmit }: Props) {
  const t = useT();
  const { register, handleSubmit, watch, setValue, formState } = useForm<Values>({
    defaultValues: study.form,
    resolver: zodResolver(studySchema as never) as never,
    mode: "onTouched",
  });
  const changed = useEffectEvent(onChange);
  useEffect(() => {
    const subscription = watch((values) => changed(values as Values));
    return () => subscription.unsubscribe();
  }, [watch]);

  const fromFile = (key: keyof Values) => Boolean(study.fromFile[key]);
  const badge = (key: keyof Values) => (
    <Status tone={fromFile(key) ? "ok" : "calm"}>{t(fromFile(key) ? "form.from_file" : "form.typed")}</Status>
  );
  const error = (key: keyof Values) => {
    const message = formState.errors[key]?.message;
    return message ? t(message) : undefined;
  };
  // What the file says is the only choice there is.
  const modalities: string[] = study.fromFile.modality ? [study.fromFile.modality] : [...MODALITIES];
  return (
    <form id={formId} noValidate onSubmit={(event) => void handleSubmit(onSubmit)(event)} className="grid gap-4 sm:grid-cols-2">
      <TextField
        label={t("form.patient")}
        id="patientName"
        data-testid="patient-name-input"
        readOnly={fromFile("patientName")}
        badge={badge("patientName")}
        error={error("patientName")}
        autoComplete="off"
        spellCheck={false}
        dir="auto"
        {...register("patientName")}
      />
      <TextField
        label={t("form.study_date")}
        id="studyDate"
        type="date"
        data-testid="study-date-input"
        readOnly={fromFile("studyDate")}
        badge={badge("studyDate")}
        error={error("studyDate")}
        {...register("studyDate")}
      />
      <SelectField
        label={t("form.modality")}
        id="modality"
        data-testid="modality-select"
        badge={badge("modality")}
        error={error("modality")}
        defaultValue={study.form.modality}
        {...register("modality")}
      >
        {!fromFile("modality") && <option value="">{t("form.choose")}</option>}
        {modalities.map((modality) => (
          <option key={modality} value={modality}>
            {modality}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={t("form.level")}
        id="serviceLevel"
        data-testid="service-level-select"
        error={error("serviceLevel")}
        defaultValue={study.form.serviceLevel}
        {...register("serviceLevel")}
      >
        {["stat", "emergency", "routine", "subspecialty"].map((level) => (
          <option key={level} value={level}>
            {t(`level.${level}`)}
          </option>
        ))}
      </SelectField>
      <TextField
        label={t("form.years")}
        id="age"
        data-testid="age-input"
        placeholder="45Y"
        badge={badge("age")}
        error={error("age")}
        autoComplete="off"
        {...register("age", { onBlur: ({ target }) => setValue("age", normalAge(target.value), { shouldValidate: true }) })}
      />
      <SelectField
        label={t("form.gender")}
        id="gender"
        data-testid="gender-select"
        badge={badge("gender")}
        error={error("gender")}
        defaultValue={study.form.gender}
        {...register("gender")}
      >
        <option value="">{t("form.choose")}</option>
        {["M", "F", "O"].map((gender) => (
          <option key={gender} value={gender}>
            {t(`gender.${gender}`)}
          </option>
        ))}
      </SelectField>
      <div className="sm:col-span-2">
        <TextField
          label={t("form.description")}
          id="studyDescription"
          error={error("studyDescription")}
          autoComplete="off"
          dir="auto"
          {...register("studyDescription")}
        />
      </div>
      <div className="sm:col-span-2">
        <AreaField
          label={t("form.history")}
          id="clinicalHistory"
          data-testid="clinical-history-input"
          placeholder={t("form.history_hint")}
          error={error("clinicalHistory")}
          dir="auto"
          maxLength={2000}
          {...register("clinicalHistory")}
        />
      </div>
    </form>
  );
}
