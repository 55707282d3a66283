/**
 * Waiting with an end. Every wait says what it waits for, and gives up well before the test runner does, so that a
 * failure names what never came instead of a test that took too long.
 */

/** Milliseconds: generous for a busy machine, and below the 120 s a test may take. */
const patience = 60_000

/** Milliseconds between two looks of `eventually`. */
const interval = 20

export async function within<T>(what: string, promise: Promise<T>, ms: number = patience): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms in vain for ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks again and again until the answer is true; an error counts as "not yet", and the last one is the cause shown. */
export async function eventually(what: string, probe: () => boolean | Promise<boolean>, ms = patience): Promise<void> {
  const end = Date.now() + ms
  let cause: unknown
  while (Date.now() < end) {
    try {
      if (await within(what, Promise.resolve(probe()), end - Date.now())) return
      cause = undefined
    } catch (error) {
      cause = error
    }
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
  throw new Error(`Waited ${ms} ms in vain for ${what}`, { cause })
}
