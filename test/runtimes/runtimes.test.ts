import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { CommandServer } from '../support/command.js'
import type { Runtime } from '../support/line-process.js'
import { PeerProcess } from '../support/peer-process.js'
import { bun, deno, DENO_ENVIRONMENT } from './other-runtimes.js'

type RuntimeName = 'node' | 'bun' | 'deno'

const peer = fileURLToPath(new URL('./echo-peer.js', import.meta.url))
const runtimes = new Map<RuntimeName, Runtime>([['node', [process.execPath]]])
/** Why a runtime is not there. */
const missing = new Map<RuntimeName, string>()

beforeAll(async () => {
  const fetch = async (name: RuntimeName, runtime: Promise<Runtime>): Promise<void> => {
    await runtime.then(
      (found) => runtimes.set(name, found),
      (error: unknown) => missing.set(name, `${name} could not be had from npm: ${String(error).split('\n')[0]}`)
    )
  }
  await Promise.all([fetch('bun', bun()), fetch('deno', deno())])
}, 300_000)

describe.each([
  { server: 'node', listener: 'bun', dialer: 'bun' },
  { server: 'node', listener: 'deno', dialer: 'deno' },
  { server: 'node', listener: 'bun', dialer: 'deno' },
  { server: 'bun', listener: 'bun', dialer: 'bun' },
  { server: 'bun', listener: 'node', dialer: 'node' },
  { server: 'deno', listener: 'deno', dialer: 'deno' },
  { server: 'deno', listener: 'node', dialer: 'node' }
] as const)('a server on $server, a listener on $listener and a dialer on $dialer', (names) => {
  test('ten megabytes go there and back', { timeout: 120_000 }, async ({ skip, onTestFailed }) => {
    const [on, near, far] = [names.server, names.dialer, names.listener].map((name) => runtimes.get(name))
    if (on === undefined || near === undefined || far === undefined) return skip([...missing.values()].join('; '))
    await using server = await CommandServer.start(
      ['--log-level', 'error', '--log-format', 'pretty'],
      DENO_ENVIRONMENT,
      on
    )
    onTestFailed(() => console.error(server.stderr.items.join('\n')))
    await using bob = new PeerProcess(far, [server.url], DENO_ENVIRONMENT, peer)
    const { peerId, runtime } = await bob.next('who it is')
    expect(runtime).toBe(names.listener)
    await using alice = new PeerProcess(near, [server.url, String(peerId)], DENO_ENVIRONMENT, peer)
    expect(await alice.next('what came back')).toEqual({ bytes: 10_000_000, isSame: true, runtime: names.dialer })

    expect([await alice.leave(), alice.stderr.items]).toEqual([0, []])
    expect([await bob.leave(), bob.stderr.items]).toEqual([0, []])
    expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(server.stderr.items).toEqual([])
  })
})
