import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { eventually } from '@websocket-star/testkit'
import { freePort, installApart, OwnedProcess } from '@websocket-star/testkit/processes'
import type { StarAddress } from './star.js'

/** The last release of the first server. */
const PACKAGE = 'libp2p-websocket-star-rendezvous'
const VERSION = '0.4.1'

/** That server in a process of its own. */
export interface FirstServer extends StarAddress, AsyncDisposable {
  /** Kills it, as every stop of it does. */
  stop(): Promise<void>
}

/**
 * Starts it on a free port of the loopback interface.
 *
 * @throws if it cannot be fetched from npm
 */
export async function startFirstServer(...flags: readonly string[]): Promise<FirstServer> {
  const [port, modules] = await Promise.all([freePort(), installApart('legacy', [`${PACKAGE}@${VERSION}`])])
  const script = join(modules, PACKAGE, 'src', 'bin.js')
  const args = [script, '--port', String(port), '--host', '127.0.0.1', '--disableMetrics', ...flags]
  const child = new OwnedProcess(spawn(process.execPath, args, { stdio: 'ignore' }))
  const url = `http://127.0.0.1:${port}`
  await eventually('the first server to answer', async () => (await fetch(url).catch(() => undefined))?.ok === true)
  const stop = () => child.kill('SIGTERM')
  return {
    url,
    port,
    multiaddr: `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`,
    stop,
    async [Symbol.asyncDispose]() {
      if (!child.isGone) await stop()
    }
  }
}
