import { readFile } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { gzipSync } from 'node:zlib'

/** What scripts weigh. */
export interface BundleSize {
  /** Bytes as a browser gets them. */
  gzip: number
  minified: number
  /** Minified bytes by the package they came from, largest first. */
  packages: [name: string, bytes: number][]
}

/** @param files - scripts that have source maps beside them */
export async function sizeOf(files: readonly string[]): Promise<BundleSize> {
  const packages = new Map<string, number>()
  let [gzip, minified] = [0, 0]
  for (const file of files) {
    const code = await readFile(file)
    gzip += gzipSync(code, { level: 9 }).length
    minified += code.length
    const map = new SourceMap(JSON.parse(await readFile(`${file}.map`, 'utf8')) as SourceMapPayload) // by its name
    for (const [line, text] of code.toString().split('\n').entries()) {
      for (let column = 0; column < text.length; column++) {
        const entry = map.findEntry(line, column)
        // What a bundler has added itself has no source, whatever the types say.
        const { originalSource = '' } = entry as { originalSource?: string }
        const name = packageOf(originalSource)
        packages.set(name, (packages.get(name) ?? 0) + 1)
      }
    }
  }
  return { gzip, minified, packages: [...packages].toSorted(([, a], [, b]) => b - a) }
}

/** The package that a module is of, by its path: in node_modules, or one of this repository's own. */
export function packageOf(path: string): string {
  const inModules = path.split('node_modules/').at(-1) ?? ''
  if (path.includes('node_modules/')) return /^(?:@[^/]+\/)?[^/]+/.exec(inModules)?.[0] ?? path
  const [, own] = /packages\/([^/]+)\//.exec(path) ?? []
  return own === undefined ? 'the application, the bundler' : `@websocket-star/${own}`
}
