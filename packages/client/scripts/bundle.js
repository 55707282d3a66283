// Builds dist/browser, for pages without a bundler: `websocket-star.js` is the client in one file, which loads no other. In `split`,
// Ed25519 in JavaScript is a module of its own, loaded on demand: only pages served over plain HTTP need it. There are no source
// maps: they would be most of the package.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = `${root}/dist/browser`

/** @type {import('esbuild').BuildOptions} */
const options = {
  entryPoints: { 'websocket-star': `${root}/dist/index.js` },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16'],
  minify: true,
  legalComments: 'eof'
}

rmSync(outdir, { recursive: true, force: true })
await build({ ...options, outdir })
await build({ ...options, outdir: `${outdir}/split`, splitting: true, chunkNames: '[name]' })
