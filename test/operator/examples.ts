import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the repository, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The folders of the packages that are published, from the root. */
export const publicPackages: readonly string[] = readdirSync(`${root}packages`)
  .map((name) => `packages/${name}`)
  .filter((folder) => !isPrivate(folder))

function isPrivate(folder: string): boolean {
  const manifest = JSON.parse(readFileSync(`${root}${folder}/package.json`, 'utf8')) as { private?: boolean } // npm's
  return manifest.private === true
}

/** The TypeScript examples of a text: blocks that begin with ```ts, in Markdown or in a docstring. */
export function examplesOf(text: string): string[] {
  const blocks = text.matchAll(/^( \* )?```ts\n(.*?)^(?: \* )?```$/gms)
  return [...blocks].map(([, margin, code = '']) => (margin === undefined ? code : code.replaceAll(/^ \* ?/gm, '')))
}
