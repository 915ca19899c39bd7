import { expect, test } from "vitest";
import { Meter } from "./meter";

test("speed is the mean of the last eight seconds", () => {
  const meter = new Meter();
  for (let second = 0; second <= 20; second += 1) meter.sample(second < 10 ? second * 1000 : 10_000 + (second - 10) * 3000, second * 1000);
  expect(meter.speed).toBe(3000);
});

test("the time left is said after five seconds and while something moves", () => {
  const meter = new Meter();
  meter.sample(0, 0);
  meter.sample(4000, 4000);
  expect(meter.eta(1000)).toBeNull();
  meter.sample(6000, 6000);
  expect(meter.eta(3000)).toBe(3);
  meter.reset();
  expect(meter.eta(3000)).toBeNull();
  expect(meter.speed).toBe(0);
  for (let second = 0; second < 10; second += 1) meter.sample(5, second * 1000);
  expect(meter.eta(3000)).toBeNull();
});

test("a request that is lost does not make the speed negative", () => {
  const meter = new Meter();
  meter.sample(9000, 0);
  meter.sample(1000, 1000);
  expect(meter.speed).toBe(0);
});
