import { dedupeIntegration, globalHandlersIntegration, init, makeFetchTransport, setUser } from "@sentry/react";
import { accessToken } from "@/api/session";
import { scrub } from "./scrub";

/**
 * Sends errors of the page to the error tracker that the box is configured for, through the box: the page may talk to nobody else. Loaded
 * only where a DSN is configured.
 */
export function watchErrors(dsn: string, release: string, userId: string): void {
  init({
    dsn,
    release: `relaypacs-web-ui@${release}`,
    tunnel: "/api/v1/telemetry",
    integrations: [globalHandlersIntegration(), dedupeIntegration()],
    defaultIntegrations: false,
    sampleRate: 1,
    maxBreadcrumbs: 0,
    beforeBreadcrumb: () => null,
    beforeSend: scrub,
    transport: (options) =>
      makeFetchTransport(options, async (url, request) => {
        const token = await accessToken();
        return fetch(url as string, {
          ...request,
          headers: { ...(request?.headers as Record<string, string>), ...(token ? { Authorization: `Bearer ${token}` } : {}) },
        });
      }),
  });
  setUser({ id: userId });
}
