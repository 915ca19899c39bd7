import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { readRequestMib, saveRequestMib } from "@/store/device";
import { show, signInAs, USER } from "@/test/page";
import { answer, empty, refusal, refuse } from "@/test/server";
import { browserChecks, deviceName } from "./device";
import { codeOf, isCode, passwordSchema, profileSchema } from "./rules";
import { SettingsPage } from "./SettingsPage";

const SESSION = {
  id: "s1",
  created_at: "2026-01-01T00:00:00Z",
  last_seen_at: "2026-01-01T00:00:00Z",
  address: "192.0.2.7",
  user_agent: "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0",
  current: true,
};

beforeEach(async () => {
  await signInAs();
  answer("get", "/api/v1/auth/sessions", [
    SESSION,
    { ...SESSION, id: "s2", current: false, user_agent: "Mozilla/5.0 (iPhone) Safari/604" },
  ] as never);
});

const open = () => show([{ path: "/settings", element: <SettingsPage /> }], "/settings");
/** Buttons outside of their form, which happy-dom does not follow. */
const submit = (id: string) => fireEvent.submit(document.getElementById(id) as HTMLFormElement);

test("the profile is saved, and refusals stand beside their fields", async () => {
  let sent: unknown;
  answer("patch", "/api/v1/auth/me", ({ body }) => {
    sent = body;
    return { ...USER, full_name: "Kim L." };
  });
  open();
  const name = await screen.findByLabelText("Full name");
  await userEvent.clear(name);
  await userEvent.type(name, "Kim L.");
  await userEvent.click(await screen.findByRole("button", { name: "Save profile" }));
  await waitFor(() => expect(sent).toEqual({ full_name: "Kim L.", email: "kim@clinic.example" }));
  refuse("patch", "/api/v1/auth/me", 422, { errors: [{ pointer: "/email", detail: "is taken" }] });
  await userEvent.click(await screen.findByRole("button", { name: "Save profile" }));
  expect(await screen.findByText("is taken")).toBeTruthy();
  await userEvent.clear(await screen.findByLabelText("Email"));
  await userEvent.tab();
  expect(await screen.findByText("Enter an email address.")).toBeTruthy();
});

test("preferences hold at once", async () => {
  const sent: unknown[] = [];
  answer("patch", "/api/v1/auth/me", ({ body }) => {
    sent.push(body);
    return USER;
  });
  open();
  await userEvent.selectOptions(await screen.findByLabelText("Look"), "dark");
  await userEvent.click(await screen.findByLabelText("Upload complete"));
  await userEvent.selectOptions(await screen.findByLabelText("Largest request"), "2");
  await userEvent.selectOptions(await screen.findByLabelText("Time zone"), "Asia/Tokyo");
  await waitFor(() => expect(sent).toHaveLength(3));
  expect(sent[2]).toMatchObject({ preferences: { time_zone: "Asia/Tokyo" } });
  expect(sent[0]).toMatchObject({ preferences: { theme: "dark", language: "en" } });
  expect(sent[1]).toMatchObject({ preferences: { notify: { types: ["report_ready", "upload_complete"] } } });
  expect(readRequestMib()).toBe(2);
  saveRequestMib(99);
  expect(readRequestMib()).toBe(16);
});

test("one notice less leaves all others, also those of the box itself; the last cannot go, for none named means all", async () => {
  const all = { ...USER.preferences, notify: { ...USER.preferences.notify, types: [] } };
  const sent: { preferences: { notify: { types: string[] } } }[] = [];
  answer("patch", "/api/v1/auth/me", ({ body }) => {
    sent.push(body as (typeof sent)[0]);
    return { ...USER, preferences: all };
  });
  await signInAs({ preferences: all });
  open();
  await userEvent.click(await screen.findByLabelText("Upload complete"));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.preferences.notify.types).toHaveLength(9);
  await userEvent.click(screen.getByLabelText(/^By e-mail too/));
  await waitFor(() => expect(sent[1]?.preferences.notify).toEqual({ ...all.notify, email: true }));
  expect(sent[0]?.preferences.notify.types).toEqual(expect.arrayContaining(["pacs_unreachable", "security", "disk_low", "study_held"]));
  cleanup();
  await signInAs({ preferences: { ...all, notify: { ...all.notify, types: ["security"] } } });
  open();
  expect(await screen.findByLabelText("Security")).toHaveProperty("disabled", true);
  expect(screen.getByLabelText("Upload complete")).toHaveProperty("disabled", false);
  cleanup();
  await signInAs({ role: "clinician", preferences: all });
  open();
  expect(await screen.findByLabelText("Security")).toHaveProperty("checked", true);
  expect(screen.queryByLabelText("Disk getting full")).toBeNull();
});

test("the password is changed when all rules are met", async () => {
  const { calls } = empty("post", "/api/v1/auth/change-password");
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Change password" }));
  await userEvent.type(await screen.findByLabelText("Current password"), "Old-Password-1");
  await userEvent.type(await screen.findByLabelText("New password"), "short");
  await userEvent.type(await screen.findByLabelText("Password again"), "other");
  submit("password");
  expect(await screen.findByText("The password does not meet all rules.")).toBeTruthy();
  for (const label of ["New password", "Password again"]) {
    await userEvent.clear(await screen.findByLabelText(label));
    await userEvent.type(await screen.findByLabelText(label), "Correct-Horse-7!");
  }
  submit("password");
  await waitFor(() => expect(calls[0]?.body).toEqual({ current_password: "Old-Password-1", new_password: "Correct-Horse-7!" }));
  expect(await screen.findByText("The password is changed")).toBeTruthy();
});

test("a wrong current password is said at its field", async () => {
  refuse("post", "/api/v1/auth/change-password", 403);
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Change password" }));
  await userEvent.type(await screen.findByLabelText("Current password"), "wrong");
  for (const label of ["New password", "Password again"]) await userEvent.type(await screen.findByLabelText(label), "Correct-Horse-7!");
  submit("password");
  expect(await screen.findByText("This is not your current password.")).toBeTruthy();
});

test("the second factor: QR code, first code, recovery codes; and off again", async () => {
  let on = false;
  answer("get", "/api/v1/auth/me", () => ({ ...USER, totp_enabled: on }));
  answer("post", "/api/v1/totp/enable", (({ body }: { body: { code?: string } }) => {
    if (!body?.code) return { secret: "JBSWY3DP", provisioning_uri: "otpauth://x", qr_code: "data:image/png;base64,AA==" };
    if (body.code !== "123456") return refusal(403, { detail: "wrong" });
    on = true;
    return { enabled: true, recovery_codes: ["aaaa-bbbb", "cccc-dddd"] };
  }) as never);
  answer("post", "/api/v1/totp/disable", (() => {
    on = false;
    return { enabled: false };
  }) as never);
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Enable 2FA" }));
  expect(((await screen.findByAltText("2FA QR Code")) as HTMLImageElement).src).toContain("data:image/png");
  await userEvent.type(await screen.findByPlaceholderText("000 000"), "999 999");
  submit("totp-setup");
  expect(await screen.findByText("You may not do this")).toBeTruthy();
  await userEvent.clear(await screen.findByPlaceholderText("000 000"));
  await userEvent.type(await screen.findByPlaceholderText("000 000"), "123 456");
  submit("totp-setup");
  expect(await screen.findByText("Two-Factor Authentication enabled!")).toBeTruthy();
  expect(within(screen.getByTestId("recovery-codes")).getAllByRole("listitem")).toHaveLength(2);
  await userEvent.click(await screen.findByRole("button", { name: "I have kept them" }));
  await userEvent.click(await screen.findByRole("button", { name: "Disable 2FA" }));
  await userEvent.type(await screen.findByPlaceholderText("000 000"), "aaaa-bbbb");
  submit("totp-disable");
  expect(await screen.findByRole("button", { name: "Enable 2FA" })).toBeTruthy();
});

test("other devices can be signed out, this one is named", async () => {
  const { calls } = empty("delete", "/api/v1/auth/sessions/{id}");
  open();
  expect(await screen.findByText("Firefox, Windows")).toBeTruthy();
  const ends = screen.getAllByRole("button", { name: "End" });
  expect(ends).toHaveLength(1);
  await userEvent.click(ends[0] as HTMLElement);
  await waitFor(() => expect(calls[0]?.params.id).toBe("s2"));
});

test("one's data is a file", async () => {
  answer("get", "/api/v1/auth/me/export", { user: USER } as never);
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Export my data" }));
  await waitFor(() => expect(made).toHaveBeenCalled());
  refuse("get", "/api/v1/auth/me/export", 500, { title: "Broken" });
  await userEvent.click(await screen.findByRole("button", { name: "Export my data" }));
  expect(await screen.findByText("Broken")).toBeTruthy();
});

test("rules of profile, password and code", () => {
  expect(profileSchema.safeParse({ full_name: "", email: "a@b.example" }).success).toBe(true);
  expect(profileSchema.safeParse({ full_name: "x".repeat(201), email: "a@b.example" }).success).toBe(false);
  const rules = passwordSchema("kim");
  const change = (next: string, again = next) => rules.safeParse({ current: "Old-Password-1", next, again }).success;
  expect([
    change("Correct-Horse-7!"),
    change("Correct-Horse-7!", "x"),
    change("nouppercase-7!"),
    change("Old-Password-1"),
    change("Kim-Kim-Kim-77!"),
  ]).toEqual([true, false, false, false, false]);
  expect([isCode("123 456"), isCode("12345"), codeOf(" 1 2 ")]).toEqual([true, false, "12"]);
});

test("devices and browsers are named for people", () => {
  expect(deviceName("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537")).toBe("Chrome, Linux");
  expect(deviceName("curl/8")).toBe("curl/8");
  expect(deviceName("")).toBe("");
  expect(browserChecks().map(({ id }) => id)).toContain("checksum");
});
