import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signOut } from "@/api/session";
import { show, USER } from "@/test/page";
import { answer, empty, refuse } from "@/test/server";
import { CertificateStep } from "./CertificateStep";
import { normalCode, setupCodeFromAddress } from "./code";
import { DestinationStep } from "./DestinationStep";
import { SetupPage } from "./SetupPage";

const PAIR = { access_token: "access", refresh_token: "refresh", token_type: "bearer", expires_in: 900 };
const LIMITS = { max_upload_bytes: 1, max_files: 1, chunk_min: 1, chunk_max: 1, batch_max_bytes: 1 };
const STEPS = { ok: true, steps: [{ step: "dns", ok: true, ms: 2 }] };

beforeEach(async () => {
  empty("post", "/api/v1/auth/logout", 200);
  await signOut();
  answer("get", "/api/v1/system/public", { version: "0.1.0", setup_required: true, limits: LIMITS, languages: ["en"] } as never);
});

afterEach(() => {
  location.hash = "";
});

const open = () => show([{ path: "/setup", element: <SetupPage /> }], "/setup");

async function account(): Promise<void> {
  await userEvent.type(await screen.findByLabelText("User ID"), "chief");
  await userEvent.type(await screen.findByLabelText("Email"), "chief@clinic.example");
  await userEvent.type(await screen.findByLabelText("Password"), "Correct-Horse-7!");
  await userEvent.type(await screen.findByLabelText("Password again"), "Correct-Horse-7!");
  await userEvent.click(await screen.findByRole("button", { name: "Create the account" }));
}

test("from the code to the first scanner", async () => {
  let made: unknown;
  let destination: unknown;
  answer(
    "post",
    "/api/v1/auth/register",
    (({ body }: { body: unknown }) => {
      made = body;
      return PAIR;
    }) as never,
    201,
  );
  answer("get", "/api/v1/auth/me", USER);
  answer("patch", "/api/v1/auth/me", USER);
  answer(
    "post",
    "/api/v1/destinations",
    (({ body }: { body: unknown }) => {
      destination = body;
      return { name: "main" };
    }) as never,
    201,
  );
  answer("post", "/api/v1/destinations/{name}/echo", STEPS as never);
  answer("get", "/api/v1/system/certificate", {
    issuer: "box CA",
    not_after: "2027-01-01T00:00:00Z",
    sha256: `3a915ce0770db248${"ff".repeat(24)}`,
  } as never);
  answer("get", "/api/v1/system", { ae_title: "RELAYPACS", addresses: ["192.0.2.10"], dicom_port: 11112 } as never);
  answer("get", "/api/v1/modalities", [{ ae_title: "CT1", last_seen: new Date().toISOString() }] as never);
  const { router } = open();
  await userEvent.type(await screen.findByLabelText("Code"), "k7rm2wpx");
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  await account();
  expect(await screen.findByRole("heading", { name: "Language and time zone" })).toBeTruthy();
  expect(made).toEqual({ username: "chief", email: "chief@clinic.example", password: "Correct-Horse-7!", setup_code: "K7RM-2WPX" });
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  await userEvent.type(await screen.findByLabelText("Address"), "https://pacs.example/dicom-web");
  await userEvent.click(await screen.findByRole("button", { name: "Add and test" }));
  expect(await screen.findByText("All steps work.")).toBeTruthy();
  expect(destination).toEqual({ name: "main", kind: "stow", url: "https://pacs.example/dicom-web", auth: { kind: "none" } });
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  expect(await screen.findByText("3A 91 5C E0 77 0D B2 48")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  expect(await screen.findByText(/Heard from CT1/)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Finish" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/"));
});

test("a code that is wrong is entered anew where it was refused, with how to get one", async () => {
  refuse("post", "/api/v1/auth/register", 403, { code: "forbidden", detail: "the code is wrong, used, or over" });
  location.hash = "#K7RM-2WPX";
  open();
  await account();
  expect(await screen.findByText(/The code is wrong, used, or over/)).toBeTruthy();
  expect(screen.getByText("Where is the code?")).toBeTruthy();
  let made: unknown;
  answer(
    "post",
    "/api/v1/auth/register",
    (({ body }: { body: unknown }) => {
      made = body;
      return PAIR;
    }) as never,
    201,
  );
  answer("get", "/api/v1/auth/me", USER);
  await userEvent.clear(await screen.findByLabelText("Code"));
  await userEvent.type(await screen.findByLabelText("Code"), "9qth4znb");
  await userEvent.click(await screen.findByRole("button", { name: "Create the account" }));
  expect(await screen.findByRole("heading", { name: "Language and time zone" })).toBeTruthy();
  expect(made).toEqual({ username: "chief", email: "chief@clinic.example", password: "Correct-Horse-7!", setup_code: "9QTH-4ZNB" });
});

test("a first destination that does not answer is changed, not only tested again", async () => {
  answer("post", "/api/v1/destinations", { name: "main" } as never, 201);
  answer("post", "/api/v1/destinations/{name}/echo", { ok: false, steps: [{ step: "tcp", ok: false, ms: 2 }] } as never);
  const done = vi.fn();
  show([{ path: "/", element: <DestinationStep done={done} /> }], "/");
  await userEvent.type(await screen.findByLabelText("Address"), "https://wrong.example/dicom-web");
  await userEvent.click(await screen.findByRole("button", { name: "Add and test" }));
  expect(await screen.findByText("Look at the step that fails.")).toBeTruthy();
  let changed: unknown;
  answer("patch", "/api/v1/destinations/{name}", (({ body }: { body: unknown }) => {
    changed = body;
    return { name: "main" };
  }) as never);
  answer("post", "/api/v1/destinations/{name}/echo", STEPS as never);
  await userEvent.clear(await screen.findByLabelText("Address"));
  await userEvent.type(await screen.findByLabelText("Address"), "https://pacs.example/dicom-web");
  await userEvent.click(await screen.findByRole("button", { name: "Test" }));
  expect(await screen.findByText("All steps work.")).toBeTruthy();
  expect(changed).toMatchObject({ url: "https://pacs.example/dicom-web", auth: { kind: "none" } });
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  expect(done).toHaveBeenCalled();
});

test("a box without HTTPS says so calmly, with how to turn it on", async () => {
  refuse("get", "/api/v1/system/certificate", 409, { code: "conflict", detail: "HTTPS is off" });
  const done = vi.fn();
  show([{ path: "/", element: <CertificateStep done={done} /> }], "/");
  expect((await screen.findByTestId("https-off")).textContent).toContain("port = 8443");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(screen.queryByRole("link")).toBeNull();
  await userEvent.click(await screen.findByRole("button", { name: "Next" }));
  expect(done).toHaveBeenCalled();
});

test("a box that has accounts needs no set-up", async () => {
  answer("get", "/api/v1/system/public", { version: "0.1.0", setup_required: false, limits: LIMITS, languages: ["en"] } as never);
  const { router } = open();
  await waitFor(() => expect(router.state.location.pathname).toBe("/login"));
});

test("codes are read as people type them, and taken out of the address", () => {
  expect(["k7rm2wpx", "K7RM-2WPX", " k7 rm-2w px zz", "k7"].map(normalCode)).toEqual(["K7RM-2WPX", "K7RM-2WPX", "K7RM-2WPX", "K7"]);
  location.hash = "#code=k7rm-2wpx";
  expect(setupCodeFromAddress()).toBe("K7RM-2WPX");
  expect(location.hash).toBe("");
  location.hash = "#none";
  expect(setupCodeFromAddress()).toBe("");
});
