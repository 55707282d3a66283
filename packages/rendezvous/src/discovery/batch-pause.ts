/** Milliseconds of pause per subscriber: at least ten times as long as a write to one subscriber takes. */
const PAUSE_PER_SUBSCRIBER = 0.2
const PAUSE_MAX = 2_000

/** Returns the milliseconds between two batches, which grow with the number of subscribers. */
export function pauseBetween(subscribers: number): number {
  return Math.min(PAUSE_MAX, subscribers * PAUSE_PER_SUBSCRIBER)
}

/** Backlog in bytes above which a client gets no discovery messages. */
export const SLOW_BACKLOG = 262_144
