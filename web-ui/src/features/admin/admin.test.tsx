import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { show, signInAs, USER } from "@/test/page";
import { answer, empty, refuse } from "@/test/server";
import { AdminPage } from "./AdminPage";

beforeEach(() => signInAs().then(() => undefined));

const open = (tab: string) => show([{ path: "/admin/:tab", element: <AdminPage /> }], `/admin/${tab}`);
const submit = (id: string) => fireEvent.submit(document.getElementById(id) as HTMLFormElement);

const MARIA = { ...USER, id: "u2", username: "maria", full_name: "Maria", role: "radiographer" as const, totp_enabled: true };

test("accounts: role, second factor, disabled, deleted; each act asks once and names its object", async () => {
  answer("get", "/api/v1/users", [USER, MARIA] as never);
  answer("get", "/api/v1/users/invites", [] as never);
  const sent: unknown[] = [];
  answer("patch", "/api/v1/users/{id}", (({ body }: { body: unknown }) => {
    sent.push(body);
    return MARIA;
  }) as never);
  const gone = empty("delete", "/api/v1/users/{id}");
  open("users");
  const row = within(await screen.findByTestId("user-maria"));
  await userEvent.selectOptions(await row.findByRole("combobox"), "radiologist");
  await waitFor(() => expect(sent).toEqual([{ role: "radiologist" }]));
  for (const [first, yes] of [
    ["Reset 2FA", "Reset 2FA"],
    ["Disable", "Disable"],
    ["Delete", "Delete"],
  ] as const) {
    await userEvent.click(await row.findByRole("button", { name: first }));
    const dialog = within(await screen.findByRole("dialog"));
    expect(dialog.getByText("maria")).toBeTruthy();
    await userEvent.click(await dialog.findByRole("button", { name: yes }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  }
  expect(sent.slice(1)).toEqual([{ totp_reset: true }, { is_active: false }]);
  expect(gone.calls[0]?.params.id).toBe("u2");
});

test("the last administrator stays, and that is said", async () => {
  answer("get", "/api/v1/users", [USER] as never);
  answer("get", "/api/v1/users/invites", [] as never);
  refuse("delete", "/api/v1/users/{id}", 409, { title: "Last admin", detail: "the last active admin cannot be removed" });
  open("users");
  await userEvent.click(within(await screen.findByTestId("user-kim")).getByRole("button", { name: "Delete" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete" }));
  expect(await screen.findByText("the last active admin cannot be removed")).toBeTruthy();
});

const QR = "data:image/png;base64,AA==";

test("an invite is shown once, and can be withdrawn", async () => {
  answer("get", "/api/v1/users", [USER] as never);
  const one = {
    id: "i1",
    role: "clinician" as const,
    email: "new@clinic.example",
    expires_at: "2026-01-09T00:00:00Z",
    created_by: "kim",
    created_at: "2026-01-02T00:00:00Z",
  };
  answer("get", "/api/v1/users/invites", [one] as never);
  answer(
    "post",
    "/api/v1/users/invites",
    { ...one, code: "K7RM-2WPX-9QTH-4ZNB", url: "https://box:8443/login#invite=K7RM", qr_code: QR } as never,
    201,
  );
  const gone = empty("delete", "/api/v1/users/invites/{id}");
  open("users");
  await userEvent.click(await screen.findByRole("button", { name: "Make an invite" }));
  expect(((await screen.findByLabelText("Invite code")) as HTMLInputElement).value).toBe("K7RM-2WPX-9QTH-4ZNB");
  expect((screen.getByAltText("QR code of the link") as HTMLImageElement).src).toBe(QR);
  expect((screen.getByLabelText("Link") as HTMLInputElement).value).toBe("https://box:8443/login#invite=K7RM");
  await userEvent.click(await screen.findByRole("button", { name: "Done" }));
  await userEvent.click(await screen.findByRole("button", { name: "Withdraw" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Withdraw" }));
  await waitFor(() => expect(gone.calls).toHaveLength(1));
});

const DEST = {
  name: "main",
  kind: "stow",
  url: "https://pacs.example/dicom-web",
  managed: "box",
  paused: false,
  state: "down",
  since: "2026-01-02T00:00:00Z",
  latency_ms: null,
  queue: { studies: 3, instances: 30, bytes: 3e6, oldest: "2026-01-02T00:00:00Z", held: 1 },
  last_error: { code: "tcp", detail: "refused" },
};

test("a destination that is down says what is safe; it is tested, paused, deleted", async () => {
  answer("get", "/api/v1/destinations", [DEST] as never);
  answer("post", "/api/v1/destinations/{name}/echo", {
    ok: false,
    failed_step: "tcp",
    steps: [
      { step: "dns", ok: true, ms: 3 },
      { step: "tcp", ok: false, ms: 9, detail: "connection refused" },
    ],
  } as never);
  let paused: unknown;
  answer("patch", "/api/v1/destinations/{name}", (({ body }: { body: unknown }) => {
    paused = body;
    return DEST;
  }) as never);
  const gone = empty("delete", "/api/v1/destinations/{name}");
  open("destinations");
  expect(await screen.findByText(/All 3 studies are safe here/)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Test" }));
  expect(await screen.findByText("connection refused")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Pause" }));
  await waitFor(() => expect(paused).toEqual({ paused: true }));
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(gone.calls).toHaveLength(1));
});

test("a destination is added with how the box signs in there", async () => {
  answer("get", "/api/v1/destinations", [] as never);
  let sent: unknown;
  answer(
    "post",
    "/api/v1/destinations",
    (({ body }: { body: unknown }) => {
      sent = body;
      return DEST;
    }) as never,
    201,
  );
  open("destinations");
  await userEvent.click((await screen.findAllByRole("button", { name: "Add a destination" }))[0] as HTMLElement);
  await userEvent.type(await screen.findByLabelText("Name"), "main");
  await userEvent.type(await screen.findByLabelText("Address"), "https://pacs.example/dicom-web");
  await userEvent.selectOptions(await screen.findByLabelText("Signs in with"), "basic");
  await userEvent.type(await screen.findByLabelText("User"), "box");
  await userEvent.type(await screen.findByLabelText("Password there"), "secret");
  submit("destination");
  await waitFor(() =>
    expect(sent).toEqual({
      name: "main",
      kind: "stow",
      url: "https://pacs.example/dicom-web",
      auth: { kind: "basic", user: "box", password: "secret" },
    }),
  );
});

test("a destination gets another address and keeps how the box signs in there, or gets other credentials", async () => {
  answer("get", "/api/v1/destinations", [DEST, { ...DEST, name: "folder", kind: "folder", url: null, path: "/srv" }] as never);
  const sent: unknown[] = [];
  answer("patch", "/api/v1/destinations/{name}", (({ body }: { body: unknown }) => {
    sent.push(body);
    return DEST;
  }) as never);
  open("destinations");
  const change = async () => userEvent.click(await screen.findByRole("button", { name: "Change" }));
  await change();
  const address = (await screen.findByLabelText("Address")) as HTMLInputElement;
  expect(address.value).toBe(DEST.url);
  expect((screen.getByLabelText("Name") as HTMLInputElement).readOnly).toBe(true);
  await userEvent.clear(address);
  await userEvent.type(address, "https://new.example/rs");
  submit("destination");
  await waitFor(() => expect(sent).toEqual([{ url: "https://new.example/rs" }]));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await change();
  await userEvent.selectOptions(await screen.findByLabelText("Signs in with"), "bearer");
  await userEvent.type(await screen.findByLabelText("Token"), "fresh");
  submit("destination");
  await waitFor(() => expect(sent[1]).toMatchObject({ auth: { kind: "bearer", token: "fresh", user: null, password: null } }));
});

test("who only sent is admitted, not deleted; the first entry and the last say what they mean for the others", async () => {
  const seen = (ae_title: string) => ({ ae_title, allowed: true, associations: 0, instances: 1, last_seen: "2026-01-02T00:00:00Z" });
  const list: unknown[] = [seen("CT1"), seen("MR1"), seen("US1")];
  answer("get", "/api/v1/modalities", (() => list) as never);
  let sent: unknown;
  answer(
    "post",
    "/api/v1/modalities",
    (({ body }: { body: unknown }) => {
      sent = body;
      list[0] = { ...seen("CT1"), managed: "box" };
      list[1] = { ...seen("MR1"), allowed: false };
      return list[0];
    }) as never,
    201,
  );
  open("modalities");
  await userEvent.click((await screen.findAllByRole("button", { name: "Admit" }))[0] as HTMLElement);
  expect(screen.getByText(/may no longer send. Seen so far: MR1, US1/)).toBeTruthy();
  submit("modality-form");
  await waitFor(() => expect(sent).toEqual({ ae_title: "CT1" }));
  expect(await screen.findByText("not allowed")).toBeTruthy();
  expect(screen.getAllByRole("button", { name: "Admit" })).toHaveLength(2);
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  expect(await screen.findByText(/any AE title may send\.$/)).toBeTruthy();
});

test("modalities: seen, refused, added, deleted", async () => {
  const one = {
    managed: "box",
    ae_title: "CT1",
    address: "192.0.2.20",
    port: 104,
    description: "Room 1",
    allowed: true,
    associations: 0,
    instances: 7,
    last_seen: "2026-01-02T00:00:00Z",
    last_refusal: { at: "2026-01-02T00:00:00Z", reason: "too many" },
  };
  answer("get", "/api/v1/modalities", [one] as never);
  answer("post", "/api/v1/modalities/{ae_title}/echo", { ok: true, steps: [{ step: "tcp", ok: true, ms: 1 }] } as never);
  let sent: unknown;
  answer(
    "post",
    "/api/v1/modalities",
    (({ body }: { body: unknown }) => {
      sent = body;
      return one;
    }) as never,
    201,
  );
  const gone = empty("delete", "/api/v1/modalities/{ae_title}");
  open("modalities");
  expect(await screen.findByText(/too many/)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Test" }));
  expect(await screen.findByText("All steps work.")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Add a modality" }));
  await userEvent.type(await screen.findByLabelText("AE title"), "MR1");
  await userEvent.type(await screen.findByLabelText("Port"), "104");
  submit("modality-form");
  await waitFor(() => expect(sent).toEqual({ ae_title: "MR1", port: 104 }));
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(gone.calls[0]?.params.ae_title).toBe("CT1"));
});

test("the audit trail is filtered and paged", async () => {
  const asked: URLSearchParams[] = [];
  answer("get", "/api/v1/system", {
    schedule: [{ job: "audit-check", last_run: "2026-01-02T02:30:00Z", next_run: null, result: "9 entries, chain intact" }],
  } as never);
  answer("get", "/api/v1/audit", (({ url }: { url: URL }) => {
    asked.push(url.searchParams);
    return {
      entries: [
        {
          seq: 9,
          at: "2026-01-02T00:00:00Z",
          actor: "kim",
          action: "user.invite",
          object: "clinician",
          outcome: "refused",
          address: "192.0.2.7",
          hash: "abcdef0123456789",
        },
      ],
      next_cursor: url.searchParams.get("cursor") ? null : 9,
    };
  }) as never);
  open("audit");
  expect(await screen.findByText("user.invite")).toBeTruthy();
  expect(screen.getByText("refused")).toBeTruthy();
  expect(await screen.findByText(/the chain is intact\.$/)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Show more" }));
  await waitFor(() => expect(asked.at(-1)?.get("cursor")).toBe("9"));
  await userEvent.type(await screen.findByLabelText("Who"), "kim");
  await waitFor(() => expect(asked.at(-1)?.get("actor")).toBe("kim"));
});

test("the box's health, its alerts with what to do, and its certificate", async () => {
  answer("get", "/api/v1/system", {
    version: "0.1.0",
    build: "x",
    node_name: "box-1",
    uptime_s: 100_000,
    ready: true,
    time: "2026-01-02T00:00:00Z",
    clock_synchronised: null,
    addresses: [],
    ae_title: "RELAYPACS",
    dicom_port: 11112,
    disk: { total: 100, used: 40, reserve: 5 },
    queue: null,
    destinations: [],
    alerts: [
      {
        code: "E21",
        severity: "error",
        since: "2026-01-02T00:00:00Z",
        text: "main cannot be reached (Connection refused (os error 111))",
        what_to_do: "test it",
      },
      { code: "E99", severity: "warning", since: "2026-01-02T00:00:00Z", text: "Something new", what_to_do: "Call the maker." },
    ],
    schedule: [{ job: "cleanup", last_run: null, next_run: "2026-01-03T02:00:00Z", result: null }],
  } as never);
  answer("get", "/api/v1/system/certificate", {
    issuer: "box CA",
    not_after: "2027-01-01T00:00:00Z",
    sha256: `3a915ce0770db248${"ff".repeat(24)}`,
  } as never);
  let sent: unknown;
  answer("put", "/api/v1/system/certificate", (({ body }: { body: unknown }) => {
    sent = body;
    return { issuer: "clinic CA", not_after: "2027-01-01T00:00:00Z", sha256: "00" };
  }) as never);
  open("system");
  expect(await screen.findByText(/A destination cannot be reached/)).toBeTruthy();
  expect(screen.getByText("main cannot be reached (Connection refused)")).toBeTruthy();
  expect(screen.getByText(/Test the destination/)).toBeTruthy();
  expect(screen.getByText(/Something new/)).toBeTruthy();
  expect(screen.getByText("Call the maker.")).toBeTruthy();
  expect(screen.getByText("cleanup")).toBeTruthy();
  expect(await screen.findByText("3A 91 5C E0 77 0D B2 48")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Use another" }));
  fireEvent.change(screen.getByLabelText("Certificate chain (PEM)"), { target: { value: "CERT" } });
  fireEvent.change(screen.getByLabelText("Private key (PEM)"), { target: { value: "KEY" } });
  submit("certificate");
  await waitFor(() => expect(sent).toEqual({ certificate: "CERT", key: "KEY" }));
});

test("an unknown tab leads to the first", async () => {
  answer("get", "/api/v1/users", [] as never);
  answer("get", "/api/v1/users/invites", [] as never);
  const { router } = open("nonsense");
  await waitFor(() => expect(router.state.location.pathname).toBe("/admin/users"));
});
