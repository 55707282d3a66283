import type { StarClient } from '@websocket-star/client'
import { serverUrl } from '@websocket-star/protocol'
import { toError } from './to-error.js'

/** Joins stars for dials only. Without it, the client would retry a star that is down forever. */
export class DialledStars {
  readonly #isListenedOn: (prefix: string) => boolean
  /** Prefix of the star that each pending dial joins. */
  readonly #pending: string[] = []

  constructor(isListenedOn: (prefix: string) => boolean) {
    this.#isListenedOn = isListenedOn
  }

  /** Joins a star. If the first attempt fails, leaves it again unless a listener or another dial needs it. */
  async join(client: StarClient, prefix: string, signal: AbortSignal): Promise<void> {
    this.#pending.push(prefix)
    try {
      await joinOnce(client, prefix, signal)
      this.#forget(prefix)
    } catch (error) {
      this.#forget(prefix)
      if (!this.#isListenedOn(prefix) && !this.#pending.includes(prefix)) client.leave(prefix).catch(() => {})
      throw error
    }
  }

  #forget(prefix: string): void {
    this.#pending.splice(this.#pending.indexOf(prefix), 1)
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
