import { expect, signIn, test } from "./support/test";

// A push service is on the Internet, which the box alone may call; what the browser gets from it is handed over by Chromium's own debugger.

test("a push wakes the service worker: a notice without a patient, the badge, and a click that leads to the report", async ({
  context,
  page,
  stack,
}) => {
  await context.grantPermissions(["notifications"]);
  await signIn(page, stack, stack.clinician, "/notifications");
  const ready = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state);
  await expect.poll(ready).toBe("activated");
  const [worker] = context.serviceWorkers();
  if (!worker) throw new Error("there is no service worker");
  const debug = await context.newCDPSession(page);
  const registration = new Promise<string>((resolve) => {
    debug.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const found = registrations.find(({ scopeURL }) => scopeURL.startsWith(stack.box.url));
      if (found) resolve(found.registrationId);
    });
  });
  await debug.send("ServiceWorker.enable");
  const push = { type: "report_ready", title: "A report is ready", body: "", created_at: "2026-01-02T00:00:00Z", related_report_id: "r-1" };
  const registrationId = await registration;
  const deliver = () =>
    debug.send("ServiceWorker.deliverPushMessage", { origin: stack.box.url, registrationId, data: JSON.stringify(push) });
  const shown = () =>
    page.evaluate(async () =>
      ((await (await navigator.serviceWorker.ready).getNotifications()) ?? []).map(({ title, tag }) => [title, tag]),
    );
  // Chromium forgets a notice about which it is asked while it puts it up: ask later, and push again when none is there (it is the same one).
  await expect(async () => {
    await deliver();
    await page.waitForTimeout(1_000);
    expect(await shown()).toEqual([["A report is ready", "/reports/r-1 2026-01-02T00:00:00Z"]]);
  }).toPass({ timeout: 30_000 });
  await worker.evaluate(async () => {
    const scope = globalThis as unknown as ServiceWorkerGlobalScope;
    const [notification] = await scope.registration.getNotifications();
    if (notification) scope.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  });
  await expect(page).toHaveURL(/\/reports\/r-1$/);
  await expect.poll(shown).toEqual([]);
});
