import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ENTRY = fileURLToPath(new URL('./page.js', import.meta.url))
/** Nothing is written there: it is the folder that names of files are relative to. */
const ROOT = fileURLToPath(new URL('./', import.meta.url))

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>A peer</title>
<link rel="icon" href="data:," />
<script type="module" src="/page.js"></script>
`

/** The page of peers, at an origin of its own. */
export interface Site {
  readonly url: string
  close(): void
}

export async function startSite(): Promise<Site> {
  const scripts = await bundle()
  const server = createServer(({ url = '/' }, response) => {
    const script = scripts.get(url)
    if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
    else if (script !== undefined) response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** As applications are bundled; what a page does not use it does not load. @returns scripts by their path */
async function bundle(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    outdir: ROOT,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    logLevel: 'error'
  })
  return new Map(outputFiles.map(({ path, contents }) => [`/${path.slice(ROOT.length)}`, contents]))
}
