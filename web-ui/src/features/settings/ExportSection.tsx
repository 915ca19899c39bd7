import { useMutation } from "@tanstack/react-query";
import { useOffline } from "@/api/useLive";
import { useUser } from "@/api/useSession";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Section } from "@/ui/Page";
import { Trouble } from "@/ui/StateView";
import { exportMe } from "./api";

export function ExportSection() {
  const t = useT();
  const user = useUser();
  const offline = useOffline();
  const get = useMutation({ mutationFn: () => exportMe(user.username) });
  return (
    <Section
      title={t("export.title")}
      actions={
        <Button busy={get.isPending} disabled={offline} onClick={() => get.mutate()}>
          {t("export.get")}
        </Button>
      }
    >
      <p className="text-sm text-muted">{t("export.text")}</p>
      {get.error && <Trouble error={get.error} compact />}
    </Section>
  );
}
