import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { messages as english } from "@/i18n/locales/en.po";
import { BoxWords } from "@/ui/BoxWords";
import { meaningOf, readBook } from "./box";
import arabic from "./box/words.ar.json";
import french from "./box/words.fr.json";

const rules = readBook(french);
/** Without the marks around names. */
const said = (text: string) => meaningOf(text, rules)?.replaceAll(/[\u2068\u2069]/g, "") ?? null;

afterEach(() => i18n.loadAndActivate({ locale: "en", messages: english }));

test.each([
  ["ok: 12 entries, chain intact", "entrées : 12, chaîne intacte"],
  ["failed: it broke off", "échec : interrompu"],
  ["failed: disk gone", "échec : disk gone"],
  ["user admin", "utilisateur admin"],
  ["user ada as radiologist", "utilisateur ada, rôle : radiologue"],
  ["session 0190 of user ada", "session 0190 de l’utilisateur ada"],
  ["study 1.2.3 stat", "examen 1.2.3 : urgence vitale"],
  ["destination main, 4 instances given up", "destination main, images abandonnées : 4"],
  ["tcp connect error: Connection refused", "connexion refusée"],
  ["127.0.0.1:9: Connection refused", "127.0.0.1:9 : connexion refusée"],
  ["http-413: HTTP 413: larger than the destination takes", "HTTP 413 : plus gros que ce que la destination accepte"],
  ["dicom-A700: the destination answered A700 (out of resources)", "la destination a répondu A700 (ressources épuisées)"],
  ["main cannot be reached (connect: tcp connect error: Connection refused)", "main est injoignable (connexion refusée)"],
  [
    "named in ReferencedSOPSequence, HTTP 200, warning B000, but it is not found by QIDO-RS",
    "nommée dans ReferencedSOPSequence, HTTP 200, warning B000, mais QIDO-RS ne la trouve pas",
  ],
  ["HTTP 200, a web page answered instead of the PACS", "HTTP 200, une page web a répondu à la place du PACS"],
  ["user ada: totp_reset, unlock", "utilisateur ada : second facteur retiré, déverrouillage"],
  ["user ada: full_name, role=admin, is_active=false", "utilisateur ada : nom complet, rôle : administrateur, actif : non"],
  ["user ada: shoe size", "utilisateur ada : shoe size"],
  ["the archive cannot be read: invalid Zip archive", "l’archive ne peut pas être lue : invalid Zip archive"],
  ["the transfer syntax 1.2.840.10008.1.2.4.100 cannot be shown", "syntaxe de transfert 1.2.840.10008.1.2.4.100, affichage impossible"],
  ["io: No space left on device", "écriture : plus de place sur le disque"],
  ["ae_title: an AE title has at most 16 characters, this one has 17", "un titre AE a 16 caractères au plus, celui-ci en a 17"],
  ["auth.user is missing: auth.kind basic needs it", "à remplir pour cette façon de s’identifier"],
  ["Quota exceeded for project x", null],
  ["reason: quota exceeded", null],
])("%s", (english, meant) => {
  expect(said(english)).toBe(meant);
});

test("every sentence has a meaning of its own in every language, whatever stands in its holes", () => {
  for (const book of [french, arabic]) {
    const read = readBook(book);
    for (const sentence of Object.keys({ ...book.told, ...book.others })) {
      const filled = sentence.replaceAll(/\{\d!\}/g, "admin").replaceAll(/\{(\d)[?-]?\}/g, "7$1");
      const meaning = meaningOf(filled, read);
      expect(meaning, filled).toBeTruthy();
      for (const number of sentence.matchAll(/\{(\d)\}/g))
        if (/http-|dicom-|\(\{1\}: \{2/.exec(sentence) === null) expect(meaning).toContain(`7${number[1]}`);
    }
  }
});

test("the page speaks the reader's language, and quotes what it cannot", async () => {
  const show = () =>
    render(
      <I18nProvider i18n={i18n}>
        <BoxWords text="tcp connect error: Connection refused (os error 111)" />
        <BoxWords text="Quota exceeded" />
        <BoxWords text="192.0.2.7" />
      </I18nProvider>,
    );
  const first = show();
  expect(first.container.textContent).toBe("tcp connect error: Connection refusedQuota exceeded192.0.2.7");
  expect(first.container.querySelector("q")).toBeNull();
  first.unmount();
  i18n.loadAndActivate({ locale: "fr", messages: english });
  show();
  expect(await screen.findByText("connexion refusée")).toBeTruthy();
  expect(screen.getByText("Quota exceeded")).toMatchObject({ tagName: "Q", lang: "en" });
  expect(screen.getByText("192.0.2.7").tagName).toBe("BDI");
});
