import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http } from "msw";
import { afterEach, expect, test } from "vitest";
import { currentSession, lock, signOut } from "@/api/session";
import { show, signInAs, USER } from "@/test/page";
import { answer, empty, refusal, refuse, server } from "@/test/server";
import { takeFragment } from "./fragment";
import { LoginPage } from "./LoginPage";

const PAIR = { access_token: "access", refresh_token: "refresh", token_type: "bearer", expires_in: 900 };
const ROUTES = [{ path: "/login", element: <LoginPage /> }];
const SENT_HERE = { pathname: "/login", state: { from: "/reports" } };

afterEach(async () => {
  empty("post", "/api/v1/auth/logout", 200);
  await signOut();
});

test("signing in leads to where one wanted to go", async () => {
  answer("post", "/api/v1/auth/login", PAIR);
  answer("get", "/api/v1/auth/me", USER);
  const { router } = show(ROUTES, SENT_HERE);
  expect(screen.getByRole("heading", { name: "RelayPACS" })).toBeTruthy();
  expect(screen.getByRole("heading", { name: "Sign in" })).toBeTruthy();
  const button = screen.getByTestId("login-button") as HTMLButtonElement;
  expect([button.textContent, button.disabled]).toEqual(["Sign In to Gateway", true]);
  await userEvent.type(await screen.findByLabelText("User ID"), "kim");
  await userEvent.type(await screen.findByLabelText("Security Key"), "secret");
  await userEvent.click(button);
  await waitFor(() => expect(router.state.location.pathname).toBe("/reports"));
});

test("the password can be looked at", async () => {
  show(ROUTES, "/login");
  const field = screen.getByLabelText("Security Key") as HTMLInputElement;
  await userEvent.click(await screen.findByRole("button", { name: "Show" }));
  expect(field.type).toBe("text");
  await userEvent.click(await screen.findByRole("button", { name: "Hide" }));
  expect(field.type).toBe("password");
});

test("a second factor is asked for when the box wants one", async () => {
  const codes: unknown[] = [];
  server.use(
    http.post("*/api/v1/auth/login", async ({ request }) => {
      const { totp_code: code } = (await request.json()) as { totp_code?: string };
      codes.push(code);
      if (!code) return refusal(403, {}, { "X-TOTP-Required": "true" });
      return refusal(401, { detail: "wrong" });
    }),
  );
  show(ROUTES, "/login");
  await userEvent.type(await screen.findByLabelText("User ID"), "kim");
  await userEvent.type(await screen.findByLabelText("Security Key"), "secret");
  await userEvent.click(await screen.findByTestId("login-button"));
  await userEvent.type(await screen.findByPlaceholderText("000000"), "123 456");
  await userEvent.click(await screen.findByRole("button", { name: "Verify & Sign In" }));
  expect(await screen.findByText("Invalid credentials or authentication code.")).toBeTruthy();
  expect(codes).toEqual([undefined, "123456"]);
});

test("an account is made with an invite, under the rules of passwords", async () => {
  let sent: unknown;
  answer(
    "post",
    "/api/v1/auth/register",
    (({ body }: { body: unknown }) => {
      sent = body;
      return PAIR;
    }) as never,
    201,
  );
  answer("get", "/api/v1/auth/me", USER);
  show(ROUTES, "/login");
  await userEvent.click(await screen.findByRole("button", { name: "Sign Up" }));
  await userEvent.type(await screen.findByLabelText("Clinical Email"), "kim@clinic.example");
  await userEvent.type(await screen.findByLabelText("User ID"), "kim");
  await userEvent.type(await screen.findByLabelText("Security Key"), "Correct-Horse-7!");
  const button = screen.getByTestId("login-button") as HTMLButtonElement;
  expect(button.disabled).toBe(true);
  await userEvent.type(await screen.findByLabelText("Invite code"), "K7RM-2WPX");
  await userEvent.click(button);
  await waitFor(() =>
    expect(sent).toEqual({ username: "kim", email: "kim@clinic.example", password: "Correct-Horse-7!", invite: "K7RM-2WPX" }),
  );
});

test("an invite that is over is named beside its field, in the reader's words", async () => {
  refuse("post", "/api/v1/auth/register", 403, { code: "forbidden", detail: "the code is wrong, used, or over" });
  show(ROUTES, "/login");
  await userEvent.click(await screen.findByRole("button", { name: "Sign Up" }));
  await userEvent.type(await screen.findByLabelText("Clinical Email"), "kim@clinic.example");
  await userEvent.type(await screen.findByLabelText("User ID"), "kim");
  await userEvent.type(await screen.findByLabelText("Security Key"), "Correct-Horse-7!");
  await userEvent.type(await screen.findByLabelText("Invite code"), "K7RM-2WPX");
  await userEvent.click(screen.getByTestId("login-button"));
  expect(await screen.findByText(/Ask for another/)).toBeTruthy();
  expect(screen.getByLabelText("Invite code").getAttribute("aria-invalid")).toBe("true");
});

test("what the box refuses of a new account stands beside its field", async () => {
  refuse("post", "/api/v1/auth/register", 422, { errors: [{ pointer: "/username", detail: "is taken" }] });
  show(ROUTES, "/login");
  await userEvent.click(await screen.findByRole("button", { name: "Sign Up" }));
  await userEvent.type(await screen.findByLabelText("Clinical Email"), "kim@clinic.example");
  await userEvent.type(await screen.findByLabelText("User ID"), "kim");
  await userEvent.type(await screen.findByLabelText("Security Key"), "Correct-Horse-7!");
  await userEvent.type(await screen.findByLabelText("Invite code"), "K7RM");
  await userEvent.click(await screen.findByTestId("login-button"));
  expect(await screen.findByText("is taken")).toBeTruthy();
});

test("a locked page says whose it is", async () => {
  await signInAs();
  empty("post", "/api/v1/auth/logout", 200);
  await lock();
  expect(currentSession().kind).toBe("locked");
  show(ROUTES, "/login");
  expect(screen.getByText("Kim Lee")).toBeTruthy();
  expect((screen.getByLabelText("User ID") as HTMLInputElement).value).toBe("kim");
});

test("the language changes the page and its direction", async () => {
  show(ROUTES, "/login");
  await userEvent.selectOptions(await screen.findByLabelText("Language"), "ar");
  expect(await screen.findByText("تسجيل الدخول")).toBeTruthy();
  expect(document.documentElement.dir).toBe("rtl");
  await userEvent.selectOptions(await screen.findByRole("combobox"), "en");
  expect(await screen.findByText("Sign in")).toBeTruthy();
});

test("a code in the address is taken out of it", () => {
  location.hash = "#invite=K7RM-2WPX";
  expect(takeFragment("invite")).toBe("K7RM-2WPX");
  expect(location.hash).toBe("");
  expect(takeFragment("invite")).toBe("");
});
