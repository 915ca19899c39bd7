import { useLingui } from "@lingui/react";
import { useEffect, useState } from "react";

// The box speaks English: what its jobs did, whom an entry of the audit trail is about, what is wrong with a destination. Its sentences
// stand in `box/words.<language>.json` with what they mean in another language, and come when a page shows one. In the English sentence
// `{0}` is a name or number, `{0?}` may be a sentence of the box too, `{0!}` must be one, `{0-}` is not said again. `told` stands so in the box's source, which
// `npm run i18n:check` looks up; `others` is put together there, or is said by the box's operating system.

type Book = { told: Record<string, string>; others: Record<string, string> };
type Rule = { pattern: RegExp; holes: string[]; meaning: string };

const books = import.meta.glob<Book>("./box/*.json");
const rulesOf = new Map<string, Rule[]>();

/** The rules of a book: those that begin with words of their own before those that begin with a hole, and those that say most first. */
export function readBook({ told, others }: Book): Rule[] {
  const size = (sentence: string) => sentence.replaceAll(/\{\d[?!-]?\}/g, "").length;
  return Object.entries({ ...told, ...others })
    .sort(([a], [b]) => Number(a.startsWith("{")) - Number(b.startsWith("{")) || size(b) - size(a))
    .map(([sentence, meaning]) => ({
      pattern: new RegExp(`^${sentence.replaceAll(/[.*+^$()|[\]\\]/g, "\\$&").replaceAll(/\{\d[?!-]?\}/g, "(.+?)")}$`, "s"),
      holes: [...sentence.matchAll(/\{\d([?!-]?)\}/g)].map(([, kind]) => kind as string),
      meaning,
    }));
}

/** What a sentence of the box means; null: none of the book's. */
export function meaningOf(text: string, rules: Rule[]): string | null {
  for (const { pattern, holes, meaning } of rules) {
    const match = pattern.exec(text);
    if (!match) continue;
    const known = holes.map((kind, place) => (kind && kind !== "-" ? meaningOf(match[place + 1] as string, rules) : null));
    if (holes.some((kind, place) => kind === "!" && known[place] === null)) continue;
    // First-strong isolates keep what is not of this language in its own direction.
    return meaning.replaceAll(/\{(\d)\}/g, (_, place) => known[place] ?? `\u2068${match[Number(place) + 1]}\u2069`);
  }
  return null;
}

/** Says in the reader's language what the box says; null: in English, which it speaks, and of what is not known. */
export function useBoxWords(): (text: string) => string | null {
  const { i18n } = useLingui();
  const { locale } = i18n;
  const [, setLoaded] = useState("");
  useEffect(() => {
    const load = books[`./box/words.${locale}.json`];
    if (!load || rulesOf.has(locale)) return;
    // Without them the box's own words are shown.
    void load().then(
      (book) => {
        rulesOf.set(locale, readBook(book));
        setLoaded(locale);
      },
      () => undefined,
    );
  }, [locale]);
  return (text) => meaningOf(text, rulesOf.get(locale) ?? []);
}
