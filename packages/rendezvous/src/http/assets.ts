import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { encodingFor } from './answer.js'

/** A year in seconds. Names of assets contain a hash of their content, so they can be cached for good. */
const CACHE_TIME = 31_536_000

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}
const ENDINGS = { br: '.br', gzip: '.gz' } as const

/**
 * Scripts, styles and images of the pages, a few hundred KiB. They are kept in memory, so that they can be served even when the
 * process has no open files left.
 */
export class Assets {
  readonly #files = new Map<string, Buffer>()

  /** @param folder - may be missing, if the pages were not built */
  constructor(folder: URL) {
    try {
      for (const name of readdirSync(folder)) this.#files.set(name, readFileSync(new URL(name, folder)))
    } catch {}
  }

  /** @returns false if the file does not exist */
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
        'cache-control': `public,max-age=${CACHE_TIME},immutable`,
        'x-content-type-options': 'nosniff',
        vary: 'Accept-Encoding',
        ...(compressed === undefined ? {} : { 'content-encoding': encoding })
      })
      .end(body)
    return true
  }
}
