/** Milliseconds between two ticks. */
const TICK = 2_000
/** Milliseconds by which a tick is late if the process or the machine was asleep. */
const LATE = 5_000

/** Calls a function when the process continues after a sleep of some seconds, until the signal aborts. */
export function watchWake(onWake: () => void, signal: AbortSignal): void {
  // The clock of `performance` stands still while some systems sleep.
  let ticked = Date.now()
  const timer: unknown = setInterval(() => {
    const now = Date.now()
    // Timers of hidden pages are slow; when the page is visible again, that is an event.
    if (now - ticked > TICK + LATE && !isHidden()) onWake()
    ticked = now
  }, TICK)
  // In Node, a client that is idle must not keep the process running.
  if (timer instanceof Object && 'unref' in timer && typeof timer.unref === 'function') timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer as number), { once: true }) // as setInterval returned it
}

function isHidden(): boolean {
  const { document } = globalThis as { document?: Document } // workers and Node have none
  return document?.visibilityState === 'hidden'
}
