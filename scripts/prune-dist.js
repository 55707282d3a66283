// Deletes compiled files whose source is gone: tsc leaves them, and packages would publish them.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const COMPILED = /\.(d\.ts|js)(\.map)?$/

for (const folder of ['protocol', 'streams', 'client', 'libp2p', 'rendezvous']) {
  const home = join(root, 'packages', folder)
  const dist = join(home, 'dist')
  if (!existsSync(dist)) continue
  for (const name of readdirSync(dist, { recursive: true })) {
    const source = join(home, 'src', String(name).replace(COMPILED, '.ts'))
    // Bundles have no source file of their own.
    const isCompiled = COMPILED.test(String(name)) && !/^(browser|web)\b/.test(String(name))
    if (isCompiled && !existsSync(source) && !existsSync(`${source}x`)) rmSync(join(dist, String(name)))
  }
}
