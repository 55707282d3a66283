import type { StarClient } from '@websocket-star/client'
import { serverUrl } from '@websocket-star/protocol'
import { asError } from './as-error.js'

/** Joins the stars that only a dial needs. Left to itself, a client would go on trying to join one that is down for ever. */
export class DialledStars {
  readonly #isListenedOn: (prefix: string) => boolean
  /** What dials under way wait for, once for each dial. */
  readonly #awaited: string[] = []

  constructor(isListenedOn: (prefix: string) => boolean) {
    this.#isListenedOn = isListenedOn
  }

  /** Joins a star, or gives it up unless it is wanted otherwise. @throws why it could not be joined, or the signal's reason */
  async join(client: StarClient, prefix: string, signal: AbortSignal): Promise<void> {
    this.#awaited.push(prefix)
    try {
      await joinOnce(client, prefix, signal)
      this.#forget(prefix)
    } catch (error) {
      this.#forget(prefix)
      // Whether that is heard does not matter to the dial.
      if (!this.#isListenedOn(prefix) && !this.#awaited.includes(prefix)) client.leave(prefix).catch(() => {})
      throw error
    }
  }

  #forget(prefix: string): void {
    this.#awaited.splice(this.#awaited.indexOf(prefix), 1)
  }
}

/** Waits for one attempt, after which the client goes on trying. */
async function joinOnce(client: StarClient, prefix: string, signal: AbortSignal): Promise<void> {
  const url = serverUrl(prefix)
  const settled = new AbortController()
  const failure = new Promise<never>((_, reject) => {
    client.addEventListener(
      'server:status',
      ({ detail }) => {
        if (detail.url === url && detail.state === 'waiting') reject(asError(detail.error))
      },
      { signal: settled.signal }
    )
  })
  const joined = client.join({ server: prefix, signal: AbortSignal.any([signal, settled.signal]) })
  await Promise.race([joined, failure]).finally(() => settled.abort())
}
