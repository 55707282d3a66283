export interface PageLifecycleHandlers {
  /** Called when the device is online again, or the page is visible again: timers may have been slowed meanwhile. */
  onBack(): void
  /** Called when the page is left. The browser may keep it and show it again later. */
  onAway(): void
}

/** Calls handlers on a browser's lifecycle events until the signal aborts. Does nothing in Node. */
export function watchPageLifecycle({ onBack, onAway }: PageLifecycleHandlers, signal: AbortSignal): void {
  // Pages have all of these events, workers the first one, Node none.
  if (typeof globalThis.addEventListener !== 'function') return
  globalThis.addEventListener('online', onBack, { signal })
  globalThis.addEventListener('pagehide', onAway, { signal })
  globalThis.addEventListener('pageshow', (event) => (event as PageTransitionEvent).persisted && onBack(), { signal })
  // Timers of a hidden page run once a second, later once a minute.
  const { document } = globalThis as { document?: Document } // workers have none
  document?.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && onBack(), { signal })
}
