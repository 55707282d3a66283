import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/test/', import.meta.url))
const run = promisify(execFile)

/**
 * A Node of another version than the one that runs the tests: from npm, where it comes as a package for each platform,
 * fetched once.
 *
 * @returns the path of its binary
 * @throws if it cannot be fetched, or does not run here
 */
export async function nodeOf(major: number): Promise<string> {
  const isWindows = process.platform === 'win32'
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`
  const folder = join(CACHE, `node${major}`)
  const binary = join(folder, 'node_modules', name, 'bin', isWindows ? 'node.exe' : 'node')
  if (await runs(binary)) return binary
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${major}`]
  await run('npm', args, { cwd: folder, timeout: 240_000, shell: isWindows })
  await run(binary, ['--version'])
  return binary
}

async function runs(binary: string): Promise<boolean> {
  return await run(binary, ['--version']).then(
    () => true,
    () => false
  )
}
