import { join } from 'node:path'
import { binaryFromNpm, CACHE } from '@websocket-star/testkit/processes'
import type { Runtime } from '../support/line-process.js'

/** What Deno needs where there is no home directory. */
export const DENO_ENVIRONMENT = { DENO_DIR: join(CACHE, 'deno-cache'), DENO_NO_UPDATE_CHECK: '1' }

/**
 * Fetches Bun from npm, once.
 *
 * @throws if it cannot be fetched, or does not run here
 */
export async function bun(): Promise<Runtime> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const architecture = process.arch === 'arm64' ? 'aarch64' : process.arch
  return [await binaryFromNpm('bun', { name: `@oven/bun-${platform}-${architecture}`, version: '1', path: 'bin/bun' })]
}

/**
 * Fetches Deno from npm, once.
 *
 * @throws if it cannot be fetched, or does not run here
 */
export async function deno(): Promise<Runtime> {
  const name = `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`
  return [await binaryFromNpm('deno', { name, version: '2', path: 'deno' }), 'run', '--allow-all', '--no-lock']
}
