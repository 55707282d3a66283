import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where packages are unpacked. */
const UNPACKED = fileURLToPath(new URL('../../../node_modules/.cache/debian/', import.meta.url))

/** The programs that tests run beside Node: where they are, and how they come where they are missing. */

/** @returns the path of what a command's name stands for, undefined if there is none */
export function findCommand(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Installs packages of Debian if this process may. Whether it went well is seen by what is there then. */
export function installPackages(names: readonly string[]): void {
  if (process.getuid?.() !== 0) return
  if (run('apt-get', 'update')) run('apt-get', 'install', '-y', '--no-install-recommends', ...names)
}

/** What someone has to type whom {@link installPackages} could not help. */
export function howToInstallPackages(names: readonly string[]): string {
  return `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`
}

/** A program of a Debian package. */
interface DebianProgram {
  readonly packageName: string
  /** Where it is installed, without the first slash. */
  readonly path: string
  /** Packages of libraries that it needs beside those of a small Debian; they are unpacked with it. */
  readonly libraries?: readonly string[]
}

/**
 * Returns the path of a command, or unpacks its package once: that needs no root, and starts none of its services.
 *
 * @throws if it is neither here nor to be had
 */
export function unpackedProgram(name: string, { packageName, path, libraries = [] }: DebianProgram): string {
  const program = findCommand(name) ?? join(UNPACKED, packageName, path)
  if (isExecutable(program)) return program
  const folder = join(UNPACKED, packageName)
  mkdirSync(folder, { recursive: true })
  const packages = [packageName, ...libraries].map((name) => `'${name}'`).join(' ')
  const unpack = `apt-get download ${packages} && for deb in ./*.deb; do dpkg-deb -x "$deb" . || exit; done && rm ./*.deb`
  if (!runIn(folder, 'sh', '-c', unpack) || !isExecutable(program))
    throw new Error(`${name} is missing: apt-get install ${packageName}`)
  return program
}

function run(command: string, ...args: string[]): boolean {
  return runIn(undefined, command, ...args)
}

/** @returns whether it went well; what it has to say is shown */
function runIn(cwd: string | undefined, command: string, ...args: string[]): boolean {
  // RUNLEVEL keeps the services of a package from being started with it
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const { status } = spawnSync(command, args, { cwd, env, stdio: 'inherit', timeout: 600_000 })
  return status === 0
}
