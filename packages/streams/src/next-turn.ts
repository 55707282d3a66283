/** What Node has and browsers do not. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void }

/**
 * Runs something in the next turn of the event loop: after what is happening now and all promises that it settles. Not a
 * timer, for browsers slow those down to four milliseconds, and to a second or a minute in pages nobody looks at.
 */
export const nextTurn: (callback: () => void) => void = setImmediate ?? throughChannel()

function throughChannel(): (callback: () => void) => void {
  const waiting: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.addEventListener('message', () => waiting.shift()?.())
  port1.start()
  return (callback) => {
    waiting.push(callback)
    port2.postMessage(undefined)
  }
}
