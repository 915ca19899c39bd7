import { useLingui } from "@lingui/react";
import { useBoxWords } from "@/i18n/box";
import { plain } from "./plain";

/** What the box says, in the reader's language; what nobody translated, a PACS's own words say, stands as it was said, between quotes. */
export function BoxWords({ text }: { text: string }) {
  const { i18n } = useLingui();
  const said = plain(text);
  const meaning = useBoxWords()(said);
  if (meaning !== null) return <bdi>{meaning}</bdi>;
  // An address or a number has no language.
  if (i18n.locale === "en" || !said.includes(" ")) return <bdi>{said}</bdi>;
  return (
    <q lang="en" dir="ltr">
      {said}
    </q>
  );
}
