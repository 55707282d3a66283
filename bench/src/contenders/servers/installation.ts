import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/bench/', import.meta.url))
const INSTALL_TIMEOUT = 300_000

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
  await promisify(execFile)('npm', args, {
    cwd: folder,
    timeout: INSTALL_TIMEOUT,
    shell: process.platform === 'win32'
  })
  for (const helper of OPTIONAL_HELPERS) hide(join(modules, helper))
  writeFileSync(done, wanted)
  return modules
}

/** @returns a node of that version at least: the one that runs this, or one from npm */
export async function nodeOf(major: number): Promise<string> {
  if (Number(process.versions.node.split('.')[0]) >= major) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const modules = await installApart(`node${major}`, [`${name}@${major}`])
  return join(modules, name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

/** @returns the version of a node, such as `v22.11.0` */
export async function versionOf(node: string): Promise<string> {
  const { stdout } = await promisify(execFile)(node, ['--version'])
  return stdout.trim()
}

/** Puts a package in the place of an optional one that fails to load, as if there were none. */
function hide(folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder)
  writeFileSync(join(folder, 'index.js'), "throw new Error('left out, so that figures do not depend on it')\n")
}
