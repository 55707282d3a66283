import type { ListedAddresses, ListedPeers } from '../../../rendezvous/src/http/status-messages.js'

/** The token is wrong, or too many wrong tokens were sent. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError'
}

/** Client of the server's `/admin/` routes. It sends the token in a header only. */
export class AdminApi {
  readonly #token: string

  constructor(token: string) {
    this.#token = token
  }

  async peers(find: string): Promise<ListedPeers> {
    // The type of this server's answer.
    return (await this.#ask('GET', `peers?${new URLSearchParams({ find })}`)) as ListedPeers
  }

  async addresses(): Promise<ListedAddresses> {
    // The type of this server's answer.
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
    if (response.status === 401) throw new DeniedError('Wrong admin token.')
    if (response.status === 429) throw new DeniedError('Too many wrong tokens: try again in a few seconds.')
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error(`The server answered ${response.status}`)
    return answer
  }
}
