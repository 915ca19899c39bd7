import { noteStored } from "@/store/draft";
import { storeFiles } from "@/store/files";
import { copyLock, type FromWorker, type ToWorker } from "../protocol";
import { Copier } from "./copier";
import { scan } from "./scan";

/** Reads and copies what is chosen in this tab. The files stay on this side: the page names them by their place in the choice. */
export class Keeper {
  readonly copier: Copier;
  readonly #chosen = new Map<number, File[]>();
  #reading: Promise<void> = Promise.resolve();
  #user = "";

  constructor(private readonly tell: (message: FromWorker) => void) {
    this.copier = new Copier((owner, files) => storeFiles(this.#user, owner, files));
  }

  hear(userId: string, message: ToWorker): void {
    this.#user = userId;
    if (message.type === "scan") this.#scan(message);
    else if (message.type === "drop") this.#chosen.delete(message.scan);
    else if (message.type === "keep") void this.#keep(userId, message);
    else if (message.type === "forget") this.copier.forget(message.owner, message.fileIds);
  }

  #scan({ scan: choice, files }: Extract<ToWorker, { type: "scan" }>): void {
    const chosen = this.#chosen.get(choice) ?? [];
    this.#chosen.set(choice, chosen);
    const from = chosen.length;
    chosen.push(...files);
    this.#reading = this.#reading.then(() => scan(files, from, (results) => this.tell({ type: "scanned", scan: choice, results })));
  }

  async #keep(userId: string, { scan, owner, files }: Extract<ToWorker, { type: "keep" }>): Promise<void> {
    const chosen = this.#chosen.get(scan) ?? [];
    this.#chosen.delete(scan);
    const keepable = files.flatMap(({ fileId, place }) => {
      const blob = chosen[place];
      return blob ? [{ fileId, blob }] : [];
    });
    // Held while it copies: another tab that opens the draft sees that it will be whole.
    await navigator.locks.request(copyLock(owner), async () => {
      const state = await this.copier.keep(owner, keepable, (done, at) => {
        if (at === "copying") this.tell({ type: "copied", owner, done, total: keepable.length, state: at });
      });
      if (state === "stored") await noteStored(userId, owner).catch(() => undefined);
      this.tell({ type: "copied", owner, done: keepable.length, total: keepable.length, state });
      // Without room for copies the draft lives as long as this tab.
      if (state === "full") await new Promise(() => undefined);
    });
  }
}
