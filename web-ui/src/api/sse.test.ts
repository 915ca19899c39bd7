import { expect, test } from "vitest";
import { backoffMs, EventReader } from "./sse";

const STREAM =
  ': hello\nretry: 3000\n\nevent: connected\ndata: {}\nid: 1\n\nevent: report\r\ndata: {"a":\r\ndata: 1}\r\nid: 2\r\n\r\ndata:plain\n\nevent: empty\n\nid: 3\ndata\n\n';
const EVENTS = [
  { event: "connected", data: "{}", id: "1" },
  { event: "report", data: '{"a":\n1}', id: "2" },
  { event: "message", data: "plain", id: "2" },
  { event: "message", data: "", id: "3" },
];

test.each([1, 2, 3, 7, 1000])("events are the same however the stream is cut (every %i)", (size) => {
  const reader = new EventReader();
  const events = [];
  for (let at = 0; at < STREAM.length; at += size) events.push(...reader.push(STREAM.slice(at, at + size)));
  expect(events).toEqual(EVENTS);
  expect(reader.lastId).toBe("3");
  expect(reader.retryMs).toBe(3000);
});

test("an event that is not finished is not told", () => {
  const reader = new EventReader();
  expect(reader.push("data: half\n")).toEqual([]);
  expect(reader.push("\n")).toEqual([{ event: "message", data: "half", id: "" }]);
});

test("a line without an end does not fill the memory", () => {
  const reader = new EventReader();
  reader.push("x".repeat(3 << 20));
  expect(reader.push("\ndata: on\n\n")).toEqual([{ event: "message", data: "on", id: "" }]);
});

test("pauses grow to thirty seconds, with jitter, and never vanish", () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => backoffMs(attempt, () => 1))).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(backoffMs(9, () => 0)).toBe(500);
});
