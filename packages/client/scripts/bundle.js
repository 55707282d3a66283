// Builds dist/browser: the client as one ES module, for pages without a bundler. Ed25519 in JavaScript is a separate module,
// loaded on demand: only pages served over plain HTTP need it. There are no source maps: they would be most of the package.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = `${root}/dist/browser`

rmSync(outdir, { recursive: true, force: true })
await build({
  entryPoints: { 'websocket-star': `${root}/dist/index.js` },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: '[name]',
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16'],
  minify: true,
  legalComments: 'linked'
})
