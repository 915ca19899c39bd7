import { vi } from "vitest";

/** `Request` as a service worker of the box has it: an address without a host is the box's. */
export function stubRequest(): void {
  vi.stubGlobal(
    "Request",
    class {
      url: string;
      constructor(url: string) {
        this.url = new URL(url, "http://box").href;
      }
    },
  );
}
