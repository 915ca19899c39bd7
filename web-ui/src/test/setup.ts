import "fake-indexeddb/auto";
import { i18n } from "@lingui/core";
import { cleanup, configure } from "@testing-library/react";
import { afterAll, afterEach, beforeAll } from "vitest";
import { messages } from "@/i18n/locales/en.po";
import { locks } from "./locks";
import { server } from "./server";

// What happy-dom lacks and the page needs.
Object.defineProperty(navigator, "locks", { value: locks(), configurable: true });
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};

// A download is no navigation; happy-dom takes it for one.
const click = HTMLAnchorElement.prototype.click;
HTMLAnchorElement.prototype.click = function clickLink(this: HTMLAnchorElement) {
  if (!this.download) click.call(this);
};

// Node cannot clone happy-dom's files into the store; browsers can. They never change, so the same one will do.
const clone = globalThis.structuredClone;
globalThis.structuredClone = ((value: unknown) =>
  typeof value === "object" && value !== null && Object.values(value).some((part) => part instanceof Blob)
    ? { ...value }
    : clone(value)) as typeof structuredClone;

configure({ asyncUtilTimeout: 30_000 });
i18n.loadAndActivate({ locale: "en", messages });

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  cleanup();
  server.resetHandlers();
});
afterAll(() => server.close());
