import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useOffline } from "@/api/useLive";
import { useFormat } from "@/i18n/format";
import { useT } from "@/i18n/useT";
import { Button } from "@/ui/Button";
import { Dots } from "@/ui/Dots";
import { Section } from "@/ui/Page";
import { Skeleton, Trouble } from "@/ui/StateView";
import { Status } from "@/ui/Status";
import { endSession, sessionsQuery } from "./api";
import { deviceName } from "./device";

/** Devices that are signed in. */
export function SessionsSection() {
  const t = useT();
  const format = useFormat();
  const offline = useOffline();
  const client = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useMutation({ mutationFn: endSession, onSuccess: () => client.invalidateQueries({ queryKey: ["sessions"] }) });
  return (
    <Section title={t("sessions.title")}>
      {sessions.isPending && <Skeleton rows={2} />}
      {(sessions.error || end.error) && <Trouble error={sessions.error ?? end.error} retry={() => void sessions.refetch()} compact />}
      <ul className="divide-y divide-line">
        {sessions.data?.map((session) => (
          <li key={session.id} className="flex flex-wrap items-center justify-between gap-3 py-2 text-sm">
            <span>
              <bdi className="font-medium">{deviceName(session.user_agent) || t("unknown")}</bdi>{" "}
              {session.current && <Status tone="ok">{t("sessions.current")}</Status>}
              <span className="block text-muted">
                <Dots parts={[session.address, t("sessions.seen", { when: format.ago(session.last_seen_at) })].filter(Boolean)} />
              </span>
            </span>
            {!session.current && (
              <Button disabled={offline} busy={end.isPending && end.variables === session.id} onClick={() => end.mutate(session.id)}>
                {t("sessions.end")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}
