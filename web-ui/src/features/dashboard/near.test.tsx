import { act, render, screen } from "@testing-library/react";
import { useRef } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { useNear } from "./near";

/** Places that are watched, and how each is told that it is near the window. */
const watched = new Map<Element, () => void>();
/** What waits for the browser to be idle. */
const idle: (() => void)[] = [];

beforeEach(() => {
  watched.clear();
  idle.length = 0;
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      #places: Element[] = [];
      constructor(private readonly tell: (entries: { isIntersecting: boolean }[]) => void) {}
      observe(place: Element) {
        this.#places.push(place);
        watched.set(place, () => this.tell([{ isIntersecting: true }]));
        this.tell([{ isIntersecting: false }]);
      }
      disconnect() {
        for (const place of this.#places) watched.delete(place);
      }
    },
  );
  vi.stubGlobal("requestIdleCallback", (run: () => void) => idle.push(run));
});

function Place({ name }: { name: string }) {
  const place = useRef<HTMLDivElement>(null);
  const near = useNear(place);
  return (
    <div ref={place} data-testid={name}>
      {near && `drawn ${name}`}
    </div>
  );
}

const rest = () => act(async () => void (await new Promise((resolve) => setTimeout(resolve))));
const turn = async () => {
  idle.shift()?.();
  await rest();
};
const drawn = () => screen.queryAllByText(/^drawn/).map(({ textContent }) => textContent);

test("places near the window are drawn one a turn; others wait until they are near", async () => {
  render(
    <>
      <Place name="a" />
      <Place name="b" />
      <Place name="c" />
    </>,
  );
  await rest();
  expect([idle.length, drawn()]).toEqual([0, []]);
  for (const name of ["a", "b"]) watched.get(screen.getByTestId(name))?.();
  await rest();
  expect([idle.length, drawn()]).toEqual([1, []]);
  await turn();
  expect([idle.length, drawn()]).toEqual([1, ["drawn a"]]);
  await turn();
  expect([idle.length, drawn(), watched.size]).toEqual([0, ["drawn a", "drawn b"], 1]);
});

test("who prints gets all; a place that went meanwhile holds up nobody", async () => {
  const first = render(<Place name="gone" />);
  watched.get(screen.getByTestId("gone"))?.();
  await rest();
  first.unmount();
  render(<Place name="printed" />);
  dispatchEvent(new Event("beforeprint"));
  await rest();
  await turn();
  await turn();
  expect(drawn()).toEqual(["drawn printed"]);
});
