/** What happens to a page, or a worker, that its connections depend on. */
export interface LifecycleHandlers {
  /** The device is online again, or the page is shown again after it was put away. */
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
}
