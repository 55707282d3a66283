import type { StarClient } from '@websocket-star/client'
import { serverUrl } from '@websocket-star/protocol'
import { toError } from './to-error.js'

export interface DialledStarsInit {
  /** Milliseconds from the last use of a star until it is left. */
  idleTimeout: number
  /** Returns whether a listener needs a star. */
  isListenedOn: (prefix: string) => boolean
  leave: (prefix: string) => void
}

/**
 * Joins stars for dials only, and leaves each when it has not been used for a while: by then nobody needs this node there. Without
 * this, the client would also retry a star that is down forever.
 */
export class DialledStars {
  readonly #init: DialledStarsInit
  readonly #joined = new Set<string>()
  /** Number of dials and connections, by the prefix of the star. */
  readonly #uses = new Map<string, number>()
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(init: DialledStarsInit) {
    this.#init = init
  }

  /** Joins a star that is in use. If the first attempt fails, leaves it again unless a listener or another dial needs it. */
  async join(client: StarClient, prefix: string, signal: AbortSignal): Promise<void> {
    try {
      await joinOnce(client, prefix, signal)
      this.#joined.add(prefix)
    } catch (error) {
      const isNeeded = this.#joined.has(prefix) || this.#init.isListenedOn(prefix)
      if (!isNeeded && this.#uses.get(prefix) === 1) this.#init.leave(prefix)
      // Another dial uses the star: whichever ends last leaves it.
      else if (!isNeeded) this.#joined.add(prefix)
      throw error
    }
  }

  /** Counts a dial or a connection on a star. Call the result once, when it is over. */
  use(prefix: string): () => void {
    this.#uses.set(prefix, (this.#uses.get(prefix) ?? 0) + 1)
    this.#cancel(prefix)
    return () => {
      const uses = (this.#uses.get(prefix) ?? 0) - 1
      if (uses > 0) this.#uses.set(prefix, uses)
      else {
        this.#uses.delete(prefix)
        if (this.#joined.has(prefix)) this.#leaveLater(prefix)
      }
    }
  }

  /** Forgets all stars, when the client is about to leave them. */
  clear(): void {
    this.#joined.clear()
    for (const prefix of this.#timers.keys()) this.#cancel(prefix)
  }

  #leaveLater(prefix: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(prefix)
      this.#joined.delete(prefix)
      // A listener leaves it when it is closed.
      if (!this.#init.isListenedOn(prefix)) this.#init.leave(prefix)
    }, this.#init.idleTimeout)
    this.#timers.set(prefix, timer)
  }

  #cancel(prefix: string): void {
    clearTimeout(this.#timers.get(prefix))
    this.#timers.delete(prefix)
  }
}

/** Waits for the first attempt only; the client itself goes on. */
async function joinOnce(client: StarClient, prefix: string, signal: AbortSignal): Promise<void> {
  const url = serverUrl(prefix)
  const settled = new AbortController()
  const failure = new Promise<never>((_, reject) => {
    client.addEventListener(
      'server:status',
      ({ detail }) => {
        if (detail.url === url && detail.state === 'waiting') reject(toError(detail.error))
      },
      { signal: settled.signal }
    )
  })
  const joined = client.join({ server: prefix, signal: AbortSignal.any([signal, settled.signal]) })
  await Promise.race([joined, failure]).finally(() => settled.abort())
}
