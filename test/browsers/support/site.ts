import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PAGES = join(ROOT, 'test/browsers/pages')
/** The client as pages without a bundler load it, in several files. */
const CLIENT = join(ROOT, 'packages/client/dist/browser/split')

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.map': 'application/json'
}

/** As a user of the client would write it, but for the count of WebSockets that no browser gives. */
const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>A peer</title>
<link rel="icon" href="data:," />
<script>
  globalThis.opened = []
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...more) {
      super(url, ...more)
      opened.push(String(url))
    }
  }
</script>
<script type="importmap">
  { "imports": { "@websocket-star/client": "/client/websocket-star.js" } }
</script>
<script type="module" src="/pages/page.js"></script>
`

/** Web pages at an origin of their own, which no star has. */
export interface Site extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly port: number
  /** Paths asked for, in order. */
  readonly requests: string[]
}

export interface SiteOptions {
  /** Folders by the path they are served under, which ends in `/`. */
  folders?: Readonly<Record<string, string>>
  /** HTML by the path of its page. */
  documents?: Readonly<Record<string, string>>
}

/**
 * Serves the page of a test peer at `/`, an empty one at `/elsewhere`, the client at `/client/`, and what else it is
 * told to.
 */
export async function startSite({ folders = {}, documents = {} }: SiteOptions = {}): Promise<Site> {
  const texts: Readonly<Record<string, string>> = {
    '/': PAGE,
    '/elsewhere': '<!doctype html><title>Elsewhere</title>',
    ...documents
  }
  const mounts: Readonly<Record<string, string>> = { '/client/': CLIENT, '/pages/': PAGES, ...folders }
  const requests: string[] = []

  async function load(path: string): Promise<{ type: string; body: string | Buffer }> {
    const text = texts[path]
    if (text !== undefined) return { type: 'text/html', body: text }
    const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix))
    if (mount === undefined) throw new Error(`there is no ${path}`)
    const file = join(mounts[mount] ?? '', normalize(`/${path.slice(mount.length)}`))
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    if (mount !== '/pages/') return { type, body: await readFile(file) }
    const { code } = await transform(await readFile(file.replace(/\.js$/, '.ts'), 'utf8'), { loader: 'ts' })
    return { type, body: code }
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    requests.push(pathname)
    load(pathname).then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(404).end(String(error))
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // a listening TCP server has an address with a port
  const { port } = server.address() as AddressInfo

  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
