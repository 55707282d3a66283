/** Milliseconds for each listener: writing to it takes a tenth of that, or less. */
const PAUSE = 0.2
const LONGEST_PAUSE = 2_000

/** Milliseconds between two batches of news for so many listeners, so that telling them leaves time for the rest. */
export function pauseBetween(listeners: number): number {
  return Math.min(LONGEST_PAUSE, listeners * PAUSE)
}

/** Bytes queued for a client above which it is told nothing of others. */
export const SLOW_FROM = 262_144
