import type { ListedAddresses, ListedPeers } from '../../../rendezvous/src/http/status-messages.js'

/** The token is wrong, or too many wrong tokens were sent. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError'
}

/** Returns the header that the token is sent in. A proxy may need the Authorization header for a password of its own. */
export function tokenHeader(token: string): Record<string, string> {
  return { 'x-admin-token': token }
}

/** Returns whether a refusal comes from the server, which asks for a token and never for a password. */
export function isOfServer({ headers }: Response): boolean {
  return /^Bearer\b/.test(headers.get('www-authenticate') ?? '')
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

  async cancelDrain(): Promise<void> {
    await this.#ask('DELETE', 'drain')
  }

  async #ask(method: string, action: string, body?: object): Promise<unknown> {
    const response = await fetch(`admin/${action}`, {
      method,
      headers: { ...tokenHeader(this.#token), 'content-type': 'application/json' },
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    if (response.status === 401) {
      throw new DeniedError(
        isOfServer(response)
          ? 'Wrong admin token.'
          : 'A proxy in front of the server asks for a password: reload the page.'
      )
    }
    if (response.status === 429) throw new DeniedError('Too many wrong tokens: try again in a few seconds.')
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error(`The server answered ${response.status}`)
    return answer
  }
}
