import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Where packages are kept between runs. */
export const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/npm/', import.meta.url))
const INSTALL_TIMEOUT = 240_000
const run = promisify(execFile)
const isWindows = process.platform === 'win32'

/** Native helpers that are used if they are found, as those of this repository would be: folders lie inside each other. */
const OPTIONAL_HELPERS = ['bufferutil', 'utf-8-validate']

/**
 * Installs packages from npm into a folder of their own, once.
 *
 * @param name - of the folder
 * @param packages - name and version of each, such as `ws@8.21.3`
 * @returns the folder's `node_modules`
 */
export async function installApart(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(CACHE, name)
  const modules = join(folder, 'node_modules')
  const done = join(folder, 'installed.json')
  const wanted = JSON.stringify(packages)
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return modules
  console.error(`installing ${packages.join(', ')} …`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', ...packages]
  await run('npm', args, { cwd: folder, timeout: INSTALL_TIMEOUT, shell: isWindows })
  for (const helper of OPTIONAL_HELPERS) hide(join(modules, helper))
  writeFileSync(done, wanted)
  return modules
}

/** A program that npm has as a package for each platform. */
interface NpmBinary {
  /** Name of the package. */
  readonly name: string
  /** A range of versions. */
  readonly version: string
  /** Where the program is in the package, without the ending that Windows wants. */
  readonly path: string
}

/**
 * Fetches a program from npm, once.
 *
 * @param folder - its name
 * @returns the path of the binary
 * @throws if it cannot be fetched, or does not run here
 */
export async function binaryFromNpm(folder: string, { name, version, path }: NpmBinary): Promise<string> {
  const modules = await installApart(folder, [`${name}@${version}`])
  const binary = join(modules, name, isWindows ? `${path}.exe` : path)
  await versionOf(binary)
  return binary
}

/** Fetches a Node of that version from npm, as {@link binaryFromNpm} does. */
export async function nodeOf(major: number): Promise<string> {
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`
  return await binaryFromNpm(`node${major}`, { name, version: String(major), path: 'bin/node' })
}

/** @returns what a program says of its version, such as `v22.11.0` */
export async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version'])
  return stdout.trim()
}

/** Puts a package in the place of an optional one that fails to load, as if there were none. */
function hide(folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder)
  writeFileSync(join(folder, 'index.js'), "throw new Error('left out, so that figures do not depend on it')\n")
}
