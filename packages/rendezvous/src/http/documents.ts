import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { answer, encodingFor } from './answer.js'

/** What `packages/web` is built into: the documents, and in `assets/` what they load. */
export const FOLDER = new URL('../../dist/web/', import.meta.url)
/** Filled documents that are kept: one for each name that the server is asked under. */
const MAX_KEPT = 32

/** The pages load what comes with them from here, and reach nothing else; there is no script or style in the HTML. */
export const PAGE_POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self' data:`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`
].join('; ')

/** Where the pages have not been built. */
const PLAIN = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>WebSocketStar rendezvous server</title>
<h1>WebSocketStar rendezvous server</h1>
<output>{{multiaddr}}</output>
</html>
`

interface Filled {
  etag: string
  plain: Buffer
  br: Buffer
  gzip: Buffer
}

/** An HTML page of ours, whose marks (`{{multiaddr}}`) are filled with what fits the request. */
export class HtmlDocument {
  readonly #template: string
  readonly #kept = new Map<string, Filled>()

  /** @param file - in {@link FOLDER} */
  constructor(file: string) {
    this.#template = readTemplate(file)
  }

  send(request: IncomingMessage, response: ServerResponse, values: Readonly<Record<string, string>>): void {
    const { etag, ...bodies } = this.#fill(values)
    const headers = {
      'cache-control': 'no-cache',
      'content-security-policy': PAGE_POLICY,
      'referrer-policy': 'no-referrer',
      vary: 'accept-encoding',
      etag
    }
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end()
      return
    }
    const encoding = encodingFor(request)
    const more = encoding === 'plain' ? headers : { ...headers, 'content-encoding': encoding }
    answer(response, 200, 'text/html', bodies[encoding], more)
  }

  #fill(values: Readonly<Record<string, string>>): Filled {
    const key = JSON.stringify(values)
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    const text = this.#template.replaceAll(/\{\{(\w+)\}\}/g, (_mark, name: string) => escapeHtml(values[name] ?? ''))
    const plain = Buffer.from(text)
    const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 16)}"`
    // Quickly: whoever asks under ever other names is not to keep the server busy.
    const br = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
    const filled = { etag, plain, br, gzip: gzipSync(plain) }
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear()
    this.#kept.set(key, filled)
    return filled
  }
}

function readTemplate(file: string): string {
  try {
    return readFileSync(new URL(file, FOLDER), 'utf8')
  } catch {
    return PLAIN
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
