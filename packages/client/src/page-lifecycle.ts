/** What happens to a page, or a worker, that its connections depend on. */
export interface LifecycleHandlers {
  /** The device is online again, or the user looks at the page again: whoever waited by a timer has waited too long. */
  back(): void
  /** The page goes away: it may be put away and come back later. */
  away(): void
}

/**
 * Tells of a browser's events; nothing where there are none, as in Node.
 *
 * @param signal - stops listening
 */
export function watchLifecycle({ back, away }: LifecycleHandlers, signal: AbortSignal): void {
  // Pages have all of these, workers the first one, Node none.
  if (typeof globalThis.addEventListener !== 'function') return
  globalThis.addEventListener('online', back, { signal })
  globalThis.addEventListener('pagehide', away, { signal })
  globalThis.addEventListener('pageshow', (event) => (event as PageTransitionEvent).persisted && back(), { signal })
  // While it is hidden a page's timers run once a second, later once a minute.
  const { document } = globalThis as { document?: Document } // workers have none
  document?.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && back(), { signal })
}
