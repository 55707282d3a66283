const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void } // Node's

/** Runs a callback in a later task. Browsers would delay a timer: to 4 ms, or to a second or a minute in hidden pages. */
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
