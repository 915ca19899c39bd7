/// <reference lib="webworker" />
import { scan } from "./engine/scan";
import { xhrTransport } from "./engine/transport";
import { Uploader } from "./engine/uploader";
import { type Command, channelName, type FromWorker, lockName, type Report, type ToWorker } from "./protocol";

// Each tab has one of these. It reads heads for its own tab; the one that holds the user's lock uploads for all.

declare const self: DedicatedWorkerGlobalScope;

let user: string | null = null;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "user" && user === null) {
    user = data.userId;
    void upload(data.userId);
  } else if (data.type === "scan") {
    void scan(data.files, (results, done) => self.postMessage({ type: "scanned", scan: data.scan, done, results } satisfies FromWorker));
  }
};

async function upload(userId: string): Promise<void> {
  await navigator.locks.request(lockName(userId), async () => {
    const channel = new BroadcastChannel(channelName(userId));
    const uploader = new Uploader(userId, xhrTransport, (report: Report) => channel.postMessage(report));
    channel.onmessage = ({ data }: MessageEvent<Command>) => void uploader.hear(data);
    await uploader.open();
    // Until this tab closes, or its user leaves and the worker is ended: then the next tab's worker gets the lock.
    await new Promise(() => undefined);
  });
}
