/** What a password must have; the box checks the same. Each rule is a message id under `password.`. */
export const PASSWORD_RULES = [
  { id: "length", holds: (password: string) => [...password].length >= 12 && [...password].length <= 128 },
  { id: "upper", holds: (password: string) => /\p{Lu}/u.test(password) },
  { id: "lower", holds: (password: string) => /\p{Ll}/u.test(password) },
  { id: "digit", holds: (password: string) => /\p{Nd}/u.test(password) },
  { id: "special", holds: (password: string) => /[^\p{L}\p{N}\s]/u.test(password) },
  {
    id: "username",
    holds: (password: string, username: string) => username === "" || !password.toLowerCase().includes(username.toLowerCase()),
  },
] as const;

export const passwordHolds = (password: string, username: string) => PASSWORD_RULES.every((rule) => rule.holds(password, username));
