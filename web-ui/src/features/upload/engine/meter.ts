const WINDOW_MS = 8000;
const ETA_AFTER_MS = 5000;

/** Speed as the mean of the last 8 s over all lanes, and the time that is left. */
export class Meter {
  #samples: { at: number; bytes: number }[] = [];
  #startedAt: number | null = null;

  /** `bytes`: acknowledged and in flight, in total; may fall when a request is lost. */
  sample(bytes: number, now: number): void {
    this.#startedAt ??= now;
    this.#samples.push({ at: now, bytes });
    while (this.#samples.length > 2 && (this.#samples[0] as { at: number }).at < now - WINDOW_MS) this.#samples.shift();
  }

  /** After a pause the old figures say nothing. */
  reset(): void {
    this.#samples = [];
    this.#startedAt = null;
  }

  /** Bytes a second; 0 before there is anything to measure. */
  get speed(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at === first.at) return 0;
    return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000);
  }

  /** Seconds to go; null in the first five seconds and while nothing moves. */
  eta(remaining: number): number | null {
    const last = this.#samples.at(-1);
    if (!last || this.#startedAt === null || last.at - this.#startedAt < ETA_AFTER_MS || this.speed < 1) return null;
    return remaining / this.speed;
  }
}
