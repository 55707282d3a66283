import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface RequestHandlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Removes the server's base path from the URLs of requests. */
export class BasePath {
  /** Base path without a slash at its end; empty if the server is at the root. */
  readonly #path: string

  constructor(path: string) {
    this.#path = path.replace(/\/$/, '')
  }

  /** Wraps handlers so that they get URLs without the base path. Adds a missing slash by a redirect, for relative URLs in pages. */
  before({ request, upgrade }: RequestHandlers): RequestHandlers {
    if (this.#path === '') return { request, upgrade }
    return {
      request: (incoming, response) => {
        const [path, query] = splitAt(incoming.url ?? '/', '?')
        if (path === this.#path) {
          response.writeHead(308, { location: `${this.#path}/${query}`, 'content-length': 0 }).end()
          return
        }
        this.#strip(incoming)
        request(incoming, response)
      },
      upgrade: (incoming, socket, head) => {
        this.#strip(incoming)
        upgrade(incoming, socket, head)
      }
    }
  }

  #strip(request: IncomingMessage): void {
    if (request.url?.startsWith(`${this.#path}/`) === true) request.url = request.url.slice(this.#path.length)
  }
}

/** Splits a text before the first occurrence of a mark. */
function splitAt(text: string, mark: string): [before: string, rest: string] {
  const index = text.indexOf(mark)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index)]
}
