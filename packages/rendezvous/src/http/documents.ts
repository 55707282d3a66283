import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { answer, encodingFor } from './answer.js'

/** Output of `packages/web`: HTML documents, and in `assets/` the files they load. */
export const PAGES_FOLDER = new URL('../../dist/web/', import.meta.url)
/** Rendered documents kept in memory. Each Host header makes another one. */
const MAX_RENDERED = 32

/** Content-Security-Policy: pages load files from this server only, and their HTML has no inline scripts or styles. */
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

/** Used if `packages/web` was not built. */
const FALLBACK_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>WebSocketStar rendezvous server</title>
<h1>WebSocketStar rendezvous server</h1>
<output>{{multiaddr}}</output>
</html>
`

interface RenderedDocument {
  etag: string
  plain: Buffer
  br: Buffer
  gzip: Buffer
}

/** An HTML page with placeholders (`{{multiaddr}}`), which are replaced for each request. */
export class HtmlDocument {
  readonly #template: string
  readonly #rendered = new Map<string, RenderedDocument>()

  /** @param file - in {@link PAGES_FOLDER} */
  constructor(file: string) {
    this.#template = readTemplate(file)
  }

  send(request: IncomingMessage, response: ServerResponse, values: Readonly<Record<string, string>>): void {
    const { etag, ...bodies } = this.#render(values)
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

  #render(values: Readonly<Record<string, string>>): RenderedDocument {
    const key = JSON.stringify(values)
    const cached = this.#rendered.get(key)
    if (cached !== undefined) return cached
    const text = this.#template.replaceAll(/\{\{(\w+)\}\}/g, (_placeholder, name: string) =>
      escapeHtml(values[name] ?? '')
    )
    const plain = Buffer.from(text)
    const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 16)}"`
    // A fast level: a client that changes the Host header with each request must not keep the server busy.
    const br = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
    const rendered = { etag, plain, br, gzip: gzipSync(plain) }
    if (this.#rendered.size >= MAX_RENDERED) this.#rendered.clear()
    this.#rendered.set(key, rendered)
    return rendered
  }
}

function readTemplate(file: string): string {
  try {
    return readFileSync(new URL(file, PAGES_FOLDER), 'utf8')
  } catch {
    return FALLBACK_PAGE
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
