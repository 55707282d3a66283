import type { ListedAddresses, ListedPeers } from '../../../rendezvous/src/http/status-messages.js'

/** The token is wrong, or too many wrong ones were named. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError'
}

/** What operators ask of the server. The token goes with each request, in a header, and nowhere else. */
export class AdminApi {
  readonly #token: string

  constructor(token: string) {
    this.#token = token
  }

  async peers(find: string): Promise<ListedPeers> {
    // Our own server's answer.
    return (await this.#ask('GET', `peers?${new URLSearchParams({ find })}`)) as ListedPeers
  }

  async addresses(): Promise<ListedAddresses> {
    // Our own server's answer.
    return (await this.#ask('GET', 'addresses')) as ListedAddresses
  }

  async disconnect(peer: string): Promise<void> {
    await this.#ask('POST', 'disconnect', { peer })
  }

  async drain(): Promise<void> {
    await this.#ask('POST', 'drain')
  }

  async #ask(method: string, action: string, body?: object): Promise<unknown> {
    const response = await fetch(`/admin/${action}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    if (response.status === 401) throw new DeniedError('That is not the token of this server.')
    if (response.status === 429) throw new DeniedError('Too many wrong tokens: wait a few seconds.')
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error(`The server answered ${response.status}`)
    return answer
  }
}
