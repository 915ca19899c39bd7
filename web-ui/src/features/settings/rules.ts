import { z } from "zod/mini";
import { passwordHolds } from "@/api/password";

/** Messages are ids. */
export const profileSchema = z.object({
  full_name: z.string().check(z.trim(), z.maxLength(200, "form.long")),
  email: z.string().check(z.trim(), z.email("account.email_rule")),
});

/** The rules of a new password for this user. */
export const passwordSchema = (username: string) =>
  z.object({ current: z.string().check(z.minLength(1, "form.required")), next: z.string(), again: z.string() }).check(
    z.refine(({ next }) => passwordHolds(next, username), { path: ["next"], message: "account.password_rule" }),
    z.refine(({ current, next }) => current !== next, { path: ["next"], message: "account.same_rule" }),
    z.refine(({ next, again }) => next === again, { path: ["again"], message: "account.again_rule" }),
  );

/** A code of an authenticator: six digits, spaces do not matter; or a recovery code. */
export const codeOf = (text: string) => text.replace(/\s/g, "");
export const isCode = (text: string) => /^\d{6}$/.test(codeOf(text));
