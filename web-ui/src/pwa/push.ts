import { api, call } from "@/api/client";

/** What this browser can do about notices while the page is closed. */
export type PushState = "unsupported" | "blocked" | "off" | "on";

export async function pushState(): Promise<PushState> {
  if (!("Notification" in globalThis) || !("PushManager" in globalThis)) return "unsupported";
  if (Notification.permission === "denied") return "blocked";
  const registration = await navigator.serviceWorker?.getRegistration();
  if (!registration) return "unsupported";
  return (await registration.pushManager.getSubscription()) ? "on" : "off";
}

/** Asks for permission and subscribes; only ever from a click. */
export async function turnOn(): Promise<PushState> {
  if ((await Notification.requestPermission()) !== "granted") return pushState();
  const registration = await navigator.serviceWorker.ready;
  const { key } = await call(api.GET("/api/v1/notifications/vapid-key"));
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: decodeKey(key) });
  await call(api.POST("/api/v1/notifications/push-subscriptions", { body: subscription.toJSON() as never }));
  return "on";
}

export async function turnOff(): Promise<PushState> {
  const registration = await navigator.serviceWorker?.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription) {
    await call(api.DELETE("/api/v1/notifications/push-subscriptions", { body: { endpoint: subscription.endpoint } as never }));
    await subscription.unsubscribe();
  }
  return pushState();
}

/** Base64url, as VAPID keys are written, as bytes. */
export function decodeKey(key: string): Uint8Array<ArrayBuffer> {
  const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
