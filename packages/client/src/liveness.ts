/** Milliseconds between two looks. */
const LOOK_EVERY = 1_000
/** Looks without a sign of life after which a server counts as silent. */
const LOOKS = 5
/** The same while bytes are unsent: a server that does not read from a client sends it a sign of life every 20 s only. */
const LOOKS_WHILE_SENDING = 30

export interface LivenessProbe {
  /** Sends something that the server answers. */
  ask(): void
  /** Whether a packet has been received since. */
  hasAnswered(): boolean
  /** Bytes that have not left this process yet. */
  unsent(): number
  /** Resolves when the session has ended. */
  ended: Promise<unknown>
}

/**
 * Returns whether a server gives any sign of life within some seconds: a packet, or room for what is unsent. Counts looks and not
 * time, since a process that was suspended hears of both at once.
 */
export async function isAlive({ ask, hasAnswered, unsent, ended }: LivenessProbe): Promise<boolean> {
  let [looks, left] = [0, unsent()]
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  ask()
  for (;;) {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))])
    if (hasEnded || hasAnswered()) return true
    const now = unsent()
    looks = now < left ? 0 : looks + 1
    left = now
    if (looks >= (left > 0 ? LOOKS_WHILE_SENDING : LOOKS)) return false
  }
}
