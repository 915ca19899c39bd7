import { fieldErrors } from "@/api/problem";
import { useBoxWords } from "@/i18n/box";

/** What the box says against the fields of a form, in the reader's language; none where one of them is not among `names`: then the form shows the error as a whole. */
export function useFieldErrors(error: unknown, names: readonly string[]): Record<string, string> {
  const words = useBoxWords();
  const said = Object.entries(fieldErrors(error));
  if (said.some(([name]) => !names.includes(name))) return {};
  return Object.fromEntries(said.map(([name, text]) => [name, words(text) ?? text]));
}
