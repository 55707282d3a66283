const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void } // Node's

/**
 * Runs a callback in a later task, after the current one and all promises that it settles. It is not a timer: browsers
 * delay timers to 4 ms, and to a second or a minute in hidden pages.
 */
export const queueMacrotask: (callback: () => void) => void = setImmediate ?? macrotaskByChannel()

function macrotaskByChannel(): (callback: () => void) => void {
  const callbacks: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.addEventListener('message', () => callbacks.shift()?.())
  port1.start()
  return (callback) => {
    callbacks.push(callback)
    port2.postMessage(undefined)
  }
}
