import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useT } from "@/i18n/useT";
import { pushState, turnOff, turnOn } from "@/pwa/push";
import { Button } from "@/ui/Button";
import { Trouble } from "@/ui/StateView";
import { Banner } from "@/ui/Status";

/** Notices while the page is closed: asked for by a click, never on arrival. */
export function PushCard() {
  const t = useT();
  const client = useQueryClient();
  const state = useQuery({ queryKey: ["push"], queryFn: pushState });
  const change = useMutation({
    mutationFn: (on: boolean) => (on ? turnOn() : turnOff()),
    onSuccess: (now) => client.setQueryData(["push"], now),
  });
  if (!state.data || state.data === "unsupported") return null;
  return (
    <>
      <Banner
        tone={state.data === "blocked" ? "warn" : "calm"}
        action={
          state.data !== "blocked" && (
            <Button busy={change.isPending} onClick={() => change.mutate(state.data === "off")}>
              {t(state.data === "on" ? "push.turn_off" : "push.turn_on")}
            </Button>
          )
        }
      >
        {t(`push.${state.data}`)}
      </Banner>
      {change.error && <Trouble error={change.error} compact />}
    </>
  );
}
