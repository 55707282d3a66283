/** Returns whether this is a page or a worker of a browser. */
export function isBrowser(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis
}
