import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface RequestHandlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Removes the server's base path from the URLs of requests. */
export class BasePath {
  /** Base path without a slash at its end; empty if the server is at the root. */
  readonly text: string

  constructor(path: string) {
    this.text = path.replace(/\/$/, '')
  }

  /** Returns whether a URL is that of the path, or of something below it. */
  holds(url: string): boolean {
    if (!url.startsWith(this.text)) return false
    return ['', '/', '?'].includes(url.charAt(this.text.length))
  }

  /** Wraps handlers so that they get URLs without the base path. Adds a missing slash by a redirect, for relative URLs in pages. */
  before({ request, upgrade }: RequestHandlers): RequestHandlers {
    if (this.text === '') return { request, upgrade }
    return {
      request: (incoming, response) => {
        const [path, query] = splitAt(incoming.url ?? '/', '?')
        if (path === this.text) {
          response.writeHead(308, { location: `${this.text}/${query}`, 'content-length': 0 }).end()
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
    if (request.url?.startsWith(`${this.text}/`) === true) request.url = request.url.slice(this.text.length)
  }
}

/** Splits a text before the first occurrence of a mark. */
function splitAt(text: string, mark: string): [before: string, rest: string] {
  const index = text.indexOf(mark)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index)]
}
