import type { Notification as BoxNotification } from "@/api/types";

/** Where a notification leads. */
export function targetOf(notice: Partial<Pick<BoxNotification, "related_report_id" | "related_study_uid" | "related_upload_id">>): string {
  if (notice.related_report_id) return `/reports/${notice.related_report_id}`;
  if (notice.related_study_uid) return `/studies/${notice.related_study_uid}`;
  if (notice.related_upload_id) return `/complete/${notice.related_upload_id}`;
  return "/notifications";
}

/** A notice of the browser, where it is allowed and nobody looks at the page. Its words carry no patient data: only the title is used. */
export async function showNotice(notice: BoxNotification): Promise<void> {
  if (!("Notification" in globalThis) || Notification.permission !== "granted" || document.visibilityState === "visible") return;
  const options = { tag: notice.id, icon: "/icons/icon-192.png", data: { url: targetOf(notice) } };
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration?.active) await registration.showNotification(notice.title, options);
  else new Notification(notice.title, options);
}
