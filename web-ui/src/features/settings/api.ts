import { queryOptions } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { accountChanged } from "@/api/session";
import type { Preferences, User } from "@/api/types";

export const sessionsQuery = queryOptions({ queryKey: ["sessions"], queryFn: () => call(api.GET("/api/v1/auth/sessions")) });

export const endSession = (id: string) => call(api.DELETE("/api/v1/auth/sessions/{id}", { params: { path: { id } } }));

/** Changes the own account; the page follows at once. */
export async function changeMe(change: { full_name?: string; email?: string; preferences?: Preferences }): Promise<User> {
  const user = await call(api.PATCH("/api/v1/auth/me", { body: change }));
  await accountChanged(user);
  return user;
}

export const changePassword = (body: components["schemas"]["ChangePassword"]) => call(api.POST("/api/v1/auth/change-password", { body }));

export type TotpSetup = { secret: string; provisioning_uri: string; qr_code: string };

/** First step of the second factor: the secret and its QR code. */
export const beginTotp = async (): Promise<TotpSetup> => (await call(api.POST("/api/v1/totp/enable"))) as TotpSetup;

/** Second step: the first code. Gives the recovery codes, which are shown once. */
export async function finishTotp(code: string): Promise<string[]> {
  const answer = (await call(api.POST("/api/v1/totp/enable", { body: { code } }))) as { recovery_codes?: string[] };
  await accountChanged(await call(api.GET("/api/v1/auth/me")));
  return answer.recovery_codes ?? [];
}

export async function disableTotp(code: string): Promise<void> {
  await call(api.POST("/api/v1/totp/disable", { body: { code } }));
  await accountChanged(await call(api.GET("/api/v1/auth/me")));
}

/** All the box holds on the user, as a file. */
export async function exportMe(username: string): Promise<void> {
  const data = await call(api.GET("/api/v1/auth/me/export"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
  link.download = `relaypacs-${username}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
