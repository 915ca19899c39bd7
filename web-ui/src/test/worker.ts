import { Keeper } from "@/features/upload/engine/keeper";
import type { Transport } from "@/features/upload/engine/transport";
import { Uploader } from "@/features/upload/engine/uploader";
import { type Command, channelName, type FromWorker, type Report, type ToWorker } from "@/features/upload/protocol";

/** The upload worker without a thread: the same parts, joined to the transport of a test. */
export function installWorker(transport: Transport): () => void {
  const ends: (() => void)[] = [];
  class ThreadlessWorker {
    onmessage: ((message: { data: FromWorker }) => void) | null = null;
    #channel: BroadcastChannel | null = null;
    #user = "";
    readonly #keeper = new Keeper((data) => this.onmessage?.({ data }));

    postMessage(message: ToWorker): void {
      if (message.type !== "user") {
        this.#keeper.hear(this.#user, message);
        return;
      }
      this.#user = message.userId;
      const channel = new BroadcastChannel(channelName(message.userId));
      this.#channel = channel;
      ends.push(() => this.terminate());
      const uploader = new Uploader(message.userId, transport, this.#keeper.copier, (report: Report) => this.#channel?.postMessage(report));
      channel.onmessage = ({ data }: MessageEvent<Command>) => void uploader.hear(data);
      void uploader.open();
      queueMicrotask(() => this.onmessage?.({ data: { type: "leads" } }));
    }

    terminate(): void {
      this.#channel?.close();
      this.#channel = null;
    }
  }
  const before = globalThis.Worker;
  globalThis.Worker = ThreadlessWorker as unknown as typeof Worker;
  return () => {
    for (const end of ends) end();
    globalThis.Worker = before;
  };
}
