/// <reference lib="webworker" />
import { Keeper } from "./engine/keeper";
import { xhrTransport } from "./engine/transport";
import { Uploader } from "./engine/uploader";
import { type Command, channelName, type FromWorker, lockName, type Report, type ToWorker } from "./protocol";

// Each tab has one of these. It reads heads for its own tab; the one that holds the user's lock uploads for all.

declare const self: DedicatedWorkerGlobalScope;

let user: string | null = null;
const keeper = new Keeper((message) => self.postMessage(message));

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "user" && user === null) {
    user = data.userId;
    void upload(data.userId);
  } else if (user !== null) keeper.hear(user, data);
};

async function upload(userId: string): Promise<void> {
  await navigator.locks.request(lockName(userId), async () => {
    const channel = new BroadcastChannel(channelName(userId));
    const uploader = new Uploader(userId, xhrTransport, keeper.copier, (report: Report) => channel.postMessage(report));
    channel.onmessage = ({ data }: MessageEvent<Command>) => void uploader.hear(data);
    self.postMessage({ type: "leads" } satisfies FromWorker);
    await uploader.open();
    // Until this tab closes, or its user leaves and the worker is ended: then the next tab's worker gets the lock.
    await new Promise(() => undefined);
  });
}
