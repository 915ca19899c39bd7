import { personName } from "@/i18n/format";
import type { T } from "@/i18n/useT";

/** The sentences of the box, which speaks English, with what each is about; and the page's message of the same meaning. */
const SENTENCES: [RegExp, string][] = [
  [/^(.+) is on the box and waits for its report\.$/, "note.assigned"],
  [/^The report on (.+) can be read\.$/, "note.ready"],
  [/^The radiologist needs more on (.+)\.$/, "note.more"],
  [/^(.+): The PACS has taken all of its images\.$/, "note.taken"],
  [/^(.+): None of its files could be taken over\. Open the upload to see why\.$/, "note.refused"],
  [/^(.+): Its images are safe in the box, but cannot be delivered without help\. A technician must look\.$/, "note.held"],
  [/^(.+) has been away for five minutes\. Studies are kept and sent when it is back\.$/, "note.away"],
  [/^(.+) is back\. What waited for it is on its way\.$/, "note.back"],
  [/^The buffer is filling up\. Studies are still taken; see what waits and why\.$/, "note.filling"],
  [/^The buffer is full: no more studies are taken until some are delivered\.$/, "note.full"],
  [/^Somebody used an old sign-in of (.+), so it may have been copied\. /, "note.copied"],
  [/^Five wrong ones in a row\. The panel takes none for five minutes\.$/, "note.pins"],
];

/** A DICOM name in a sentence as one reads it: `DOE^JANE: …` → `DOE, JANE: …`. */
const readable = (message: string) => message.replace(/[^\s:,.^]+(?: [^\s:,.^]+)*\^[^:,.]*/g, (name) => personName(name));

/** What the box tells, in the reader's language; a sentence that the page does not know stays as it is. */
export function words(message: string, t: T): string {
  const text = readable(message);
  for (const [sentence, id] of SENTENCES) {
    const match = sentence.exec(text);
    // First-strong isolates keep names in their own direction inside the sentence.
    if (match) return t(id, { about: match[1] ? `\u2068${match[1]}\u2069` : "" });
  }
  return text;
}
