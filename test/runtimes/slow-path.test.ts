import { expect, test, vi } from 'vitest'
import { createRendezvous, type Logger } from '../../packages/rendezvous/src/index.js'
import { echoing, joinClient, readAll, writeRandom } from '../support/star-client.js'

const BYTES = 5_000_000

// A runtime whose WebSockets lack the fields of the direct way, such as Bun.
vi.mock(import('../../packages/rendezvous/src/transport/engine-internals.js'), async (original) => ({
  ...(await original()),
  missingFields: () => ['ws: _sender.sendFrame'],
  directSocketOf: () => undefined
}))

test('without the direct way messages go through engine.io: bytes arrive, and the log says so once', async () => {
  const warnings: unknown[] = []
  const ignore = (): void => {}
  const logger: Logger = { debug: ignore, info: ignore, error: ignore, warn: (details) => void warnings.push(details) }
  await using server = createRendezvous({ host: '127.0.0.1', port: 0, relay: { highWaterMark: 65_536 }, logger })
  await server.start()
  const { url } = server.address()
  const callee = await joinClient(url)
  echoing(callee)
  const caller = await joinClient(url)
  const { readable, writable } = await caller.dial(callee.peerId)
  const [sent, received] = await Promise.all([writeRandom(writable, BYTES), readAll(readable)])
  expect(received).toEqual({ bytes: BYTES, digest: sent })
  expect(warnings.filter((details) => typeof details === 'object' && details !== null && 'missing' in details)).toEqual(
    [{ missing: ['ws: _sender.sendFrame'] }]
  )
  expect(server.stats().streams).toBe(0)
})
