import { scan } from "@/features/upload/engine/scan";
import type { Transport } from "@/features/upload/engine/transport";
import { Uploader } from "@/features/upload/engine/uploader";
import { type Command, channelName, type FromWorker, type Report, type ToWorker } from "@/features/upload/protocol";

/** The upload worker without a thread: the same parts, joined to the transport of a test. */
export function installWorker(transport: Transport): () => void {
  const ends: (() => void)[] = [];
  class ThreadlessWorker {
    onmessage: ((message: { data: FromWorker }) => void) | null = null;
    #channel: BroadcastChannel | null = null;

    postMessage(message: ToWorker): void {
      if (message.type === "scan") {
        void scan(message.files, (results, done) => this.onmessage?.({ data: { type: "scanned", scan: message.scan, done, results } }));
        return;
      }
      const channel = new BroadcastChannel(channelName(message.userId));
      this.#channel = channel;
      ends.push(() => this.terminate());
      const uploader = new Uploader(message.userId, transport, (report: Report) => this.#channel?.postMessage(report));
      channel.onmessage = ({ data }: MessageEvent<Command>) => void uploader.hear(data);
      void uploader.open();
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
