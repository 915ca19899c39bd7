import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signInAs } from "@/test/page";
import { server } from "@/test/server";
import { Live } from "./live";
import type { ServerEvent } from "./sse";

let opened: { lastId: string | null; send: (text: string) => void; end: () => void }[] = [];
let live: Live[] = [];
let healthy = true;

function begin(): { live: Live; events: ServerEvent[]; lines: string[] } {
  const one = new Live();
  const events: ServerEvent[] = [];
  const lines: string[] = [];
  one.onEvent((event) => events.push(event));
  one.onLine(() => lines.push(one.line.state));
  one.start();
  live.push(one);
  return { live: one, events, lines };
}

beforeEach(async () => {
  opened = [];
  healthy = true;
  vi.spyOn(Math, "random").mockReturnValue(0);
  await signInAs();
  server.use(
    http.get("*/api/v1/events", ({ request }) => {
      if (!healthy) return HttpResponse.error();
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          const send = (text: string) => controller.enqueue(new TextEncoder().encode(text));
          opened.push({ lastId: request.headers.get("last-event-id"), send, end: () => controller.close() });
        },
      });
      return new HttpResponse(stream, { headers: { "content-type": "text/event-stream" } });
    }),
    http.get("*/healthz", () => (healthy ? HttpResponse.json({ status: "ok" }) : HttpResponse.error())),
  );
});

afterEach(() => {
  for (const one of live) one.stop();
  live = [];
});

const stream = async (place: number) => {
  await vi.waitFor(() => expect(opened.length).toBeGreaterThan(place), { timeout: 30_000 });
  return opened[place] as (typeof opened)[number];
};

test("events are heard; after a break the stream goes on behind the last one", async () => {
  const { events, lines } = begin();
  const first = await stream(0);
  first.send("event: report\ndata: {}\nid: 41\n\n");
  await vi.waitFor(() => expect(events).toEqual([{ event: "report", data: "{}", id: "41" }]), { timeout: 30_000 });
  first.end();
  const second = await stream(1);
  expect(second.lastId).toBe("41");
  expect(lines).toContain("live");
  expect(lines).toContain("reconnecting");
});

test("a box that answers nothing is offline, and comes back by itself", async () => {
  healthy = false;
  const { live: one } = begin();
  await vi.waitFor(() => expect(one.line.state).toBe("offline"), { timeout: 30_000 });
  healthy = true;
  await vi.waitFor(() => expect(one.line.state).toBe("live"), { timeout: 30_000 });
});

test("two tabs share one stream; when the first closes, the second takes over", async () => {
  const first = begin();
  const one = await stream(0);
  const second = begin();
  one.send("event: study\ndata: {}\nid: 7\n\n");
  await vi.waitFor(() => expect(second.events).toHaveLength(1), { timeout: 30_000 });
  expect(opened).toHaveLength(1);
  first.live.stop();
  one.end();
  await stream(1);
});
