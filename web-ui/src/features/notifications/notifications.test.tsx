import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { Notification as BoxNotification } from "@/api/types";
import { showNotice, targetOf } from "@/pwa/notices";
import { decodeKey, pushState, turnOff, turnOn } from "@/pwa/push";
import { show, signInAs } from "@/test/page";
import { answer, empty } from "@/test/server";
import { byDay, NotificationsPage } from "./NotificationsPage";

const notice = (change: Partial<BoxNotification> = {}): BoxNotification =>
  ({
    id: "n1",
    user_id: "u1",
    notification_type: "report_ready",
    type: "report_ready",
    title: "Report ready",
    message: "CT of 2 Jan",
    is_read: false,
    created_at: "2026-01-02T12:00:00Z",
    ...change,
  }) as BoxNotification;

let list: BoxNotification[] = [];
let asked: URLSearchParams[] = [];

beforeEach(async () => {
  asked = [];
  list = [
    notice(),
    notice({ id: "n2", is_read: true, title: "Upload complete", notification_type: "upload_complete", created_at: "2025-12-24T12:00:00Z" }),
  ];
  await signInAs();
  answer("get", "/api/v1/notifications", ({ url }) => {
    asked.push(url.searchParams);
    return { notifications: list, unread_count: list.filter(({ is_read }) => !is_read).length, total: list.length } as never;
  });
});

const open = () => show([{ path: "/notifications", element: <NotificationsPage /> }], "/notifications");

test("by day, read and unread, deleted", async () => {
  const read = empty("patch", "/api/v1/notifications/{id}/read", 200);
  const unread = empty("patch", "/api/v1/notifications/{id}/unread", 200);
  const gone = empty("delete", "/api/v1/notifications/{id}");
  open();
  const [first, second] = (await screen.findAllByTestId("notification")) as [HTMLElement, HTMLElement];
  expect(screen.getAllByRole("heading", { level: 2 })).toHaveLength(2);
  await userEvent.click(within(first).getByRole("button", { name: "Mark as read" }));
  await userEvent.click(within(second).getByRole("button", { name: "Mark as unread" }));
  await userEvent.click(within(second).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect([read.calls.length, unread.calls.length, gone.calls.length]).toEqual([1, 1, 1]));
});

test("all at once, and only what is unread", async () => {
  const all = empty("patch", "/api/v1/notifications/read-all", 200);
  open();
  await screen.findAllByTestId("notification");
  await userEvent.click(await screen.findByRole("button", { name: "Mark all as read" }));
  await waitFor(() => expect(all.calls).toHaveLength(1));
  list = [];
  await userEvent.click(await screen.findByRole("button", { name: /^Unread/ }));
  expect(await screen.findByText("Everything is read")).toBeTruthy();
  expect(asked.at(-1)?.get("unread_only")).toBe("true");
});

test("a notification leads to what it is about", () => {
  expect(targetOf({ related_report_id: "r1", related_study_uid: "1.2", related_upload_id: "u" })).toBe("/reports/r1");
  expect(targetOf({ related_study_uid: "1.2", related_upload_id: "u" })).toBe("/studies/1.2");
  expect(targetOf({ related_upload_id: "u" })).toBe("/complete/u");
  expect(targetOf({})).toBe("/notifications");
});

test("days are the viewer's", () =>
  expect(byDay([notice(), notice({ id: "x" }), notice({ created_at: "2025-01-01T12:00:00Z" })]).map(([, group]) => group.length)).toEqual([
    2, 1,
  ]));

test("a notice of the browser is shown only when nobody looks, and says no more than its title", async () => {
  const shown: unknown[][] = [];
  class Notice {
    static permission = "granted";
    constructor(...parts: unknown[]) {
      shown.push(parts);
    }
  }
  vi.stubGlobal("Notification", Notice);
  await showNotice(notice());
  expect(shown).toHaveLength(0);
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  await showNotice(notice());
  expect(shown[0]?.[0]).toBe("Report ready");
  expect(JSON.stringify(shown)).not.toContain("CT of");
});

test("push is asked for by a click, kept at the box, and given back", async () => {
  let subscription: unknown = null;
  const subscribe = vi.fn(async () => {
    subscription = {
      endpoint: "https://push.example/1",
      toJSON: () => ({ endpoint: "https://push.example/1", keys: { p256dh: "a", auth: "b" } }),
      unsubscribe: async () => {
        subscription = null;
      },
    };
    return subscription;
  });
  const registration = { pushManager: { subscribe, getSubscription: async () => subscription } };
  vi.stubGlobal("PushManager", class {});
  vi.stubGlobal("Notification", { permission: "default", requestPermission: async () => "granted" });
  Object.defineProperty(navigator, "serviceWorker", {
    configurable: true,
    value: { getRegistration: async () => registration, ready: Promise.resolve(registration) },
  });
  answer("get", "/api/v1/notifications/vapid-key", { key: "BAEC-_8" });
  const kept = empty("post", "/api/v1/notifications/push-subscriptions", 201);
  const dropped = empty("delete", "/api/v1/notifications/push-subscriptions");
  expect(await pushState()).toBe("off");
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Turn on" }));
  expect(await screen.findByText(/also while the page is closed\.$/)).toBeTruthy();
  expect(kept.calls[0]?.body).toEqual({ endpoint: "https://push.example/1", keys: { p256dh: "a", auth: "b" } });
  expect([...decodeKey("BAEC-_8")]).toEqual([4, 1, 2, 251, 255]);
  expect(await turnOff()).toBe("off");
  expect(dropped.calls[0]?.body).toEqual({ endpoint: "https://push.example/1" });
  vi.stubGlobal("Notification", { permission: "denied", requestPermission: async () => "denied" });
  expect(await turnOn()).toBe("blocked");
});
