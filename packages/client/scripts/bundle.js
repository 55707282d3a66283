// Makes dist/browser: the client in one ES module, for pages that have no bundler. What only pages that came over plain
// HTTP need (Ed25519 in JavaScript) is a module of its own, loaded when it is needed.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

await build({
  entryPoints: { 'websocket-star': `${root}/dist/index.js` },
  outdir: `${root}/dist/browser`,
  bundle: true,
  splitting: true,
  chunkNames: '[name]',
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16'],
  minify: true,
  sourcemap: true,
  legalComments: 'linked'
})
