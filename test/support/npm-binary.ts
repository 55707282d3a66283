import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Where binaries are kept between runs. */
export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/test/', import.meta.url))
const run = promisify(execFile)
const isWindows = process.platform === 'win32'

/** A program that npm has as a package for each platform. */
export interface NpmBinary {
  /** Name of the package. */
  readonly name: string
  /** A range of versions. */
  readonly version: string
  /** Where the program is in the package, without the ending that Windows wants. */
  readonly path: string
}

/**
 * Fetches a program from npm, once, into a folder of its own.
 *
 * @param folder - its name
 * @returns the path of the binary
 * @throws if it cannot be fetched, or does not run here
 */
export async function binaryFromNpm(folder: string, { name, version, path }: NpmBinary): Promise<string> {
  const prefix = join(CACHE, folder)
  const binary = join(prefix, 'node_modules', name, isWindows ? `${path}.exe` : path)
  if (await runs(binary)) return binary
  await mkdir(prefix, { recursive: true })
  await writeFile(join(prefix, 'package.json'), '{"private":true}')
  const args = ['install', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`]
  await run('npm', args, { cwd: prefix, timeout: 240_000, shell: isWindows })
  await run(binary, ['--version'])
  return binary
}

async function runs(binary: string): Promise<boolean> {
  return await run(binary, ['--version']).then(
    () => true,
    () => false
  )
}
