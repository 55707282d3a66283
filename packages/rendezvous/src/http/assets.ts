import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { encodingFor } from './answer.js'

/** Seconds: names of assets change with what is in them. */
const A_YEAR = 31_536_000

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}
const ENDINGS = { br: '.br', gzip: '.gz' } as const

/**
 * What the pages load. It is kept in memory, a few hundred KiB, so that no request opens a file: those are needed for
 * connections, and none may be left.
 */
export class Assets {
  readonly #files = new Map<string, Buffer>()

  /** @param folder - empty if it cannot be read, as the pages have not been built */
  constructor(folder: URL) {
    try {
      for (const name of readdirSync(folder)) this.#files.set(name, readFileSync(new URL(name, folder)))
    } catch {}
  }

  /** @returns false if there is no such file */
  send(name: string, request: IncomingMessage, response: ServerResponse): boolean {
    const type = TYPES[extname(name)]
    const plain = this.#files.get(name)
    if (type === undefined || plain === undefined) return false
    const encoding = encodingFor(request)
    const compressed = encoding === 'plain' ? undefined : this.#files.get(name + ENDINGS[encoding])
    const body = compressed ?? plain
    response
      .writeHead(200, {
        'content-type': type,
        'content-length': body.length,
        'cache-control': `public,max-age=${A_YEAR},immutable`,
        'x-content-type-options': 'nosniff',
        vary: 'Accept-Encoding',
        ...(compressed === undefined ? {} : { 'content-encoding': encoding })
      })
      .end(body)
    return true
  }
}
