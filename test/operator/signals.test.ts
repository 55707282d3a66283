import { readFile } from 'node:fs/promises'
import { createRendezvous } from '@websocket-star/rendezvous'
import { connectRaw, type RawOptions, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { Command, CommandServer } from '../support/command.js'
import { joinLegacy } from '../support/legacy.js'
import type { Runtime } from '../support/line-process.js'
import { createIdentity } from '../support/raw-identity.js'

const cleanly = { code: 0, signal: null }
const stopped = 'Rendezvous server stopped'

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  test('ends a server without clients', async () => {
    await using server = await CommandServer.start()
    expect(await server.stop(signal)).toEqual(cleanly)
    expect(server.messages.at(-1)).toBe(stopped)
  })

  test('ends a server with clients, who see their connections close', async () => {
    await using server = await CommandServer.start()
    await using legacy = await joinLegacy({ star: server.multiaddr, name: 'alice' })
    const disconnected = new Promise<void>((resolve) => legacy.listener.io?.once('disconnect', resolve))
    const kinds: RawOptions[] = [{ eio: '3' }, { eio: '4' }, { transport: 'polling' }]
    const peers = await Promise.all(kinds.map(async (options) => await connectRaw(server.url, options)))
    for (const peer of peers) await peer.join(await createIdentity(), server.multiaddr)

    expect(await server.stop(signal)).toEqual(cleanly)
    expect(server.messages.filter((line) => line === stopped)).toHaveLength(1)
    await Promise.all(peers.map(async (peer) => await peer.closed))
    await within('the legacy client to see it', disconnected)
  })
})

test('a client that does not answer holds nothing up', async () => {
  await using server = await CommandServer.start()
  const peer = await connectRaw(server.url)
  peer.webSocket.tcp.pause()
  expect(await server.stop('SIGTERM')).toEqual(cleanly)
  peer.webSocket.tcp.resume()
})

test('a second signal changes nothing', async () => {
  await using server = await CommandServer.start()
  // it waits for this one for a while
  const peer = await connectRaw(server.url)
  peer.webSocket.tcp.pause()
  expect(await Promise.all([server.stop('SIGINT'), server.stop('SIGTERM')])).toEqual([cleanly, cleanly])
  expect(server.messages.filter((line) => line === stopped)).toHaveLength(1)
  peer.webSocket.tcp.resume()
})

test('a browser that keeps its connection open holds nothing up', async () => {
  await using server = await CommandServer.start()
  // fetch keeps the connection for the next request
  expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' })
  expect(await server.stop('SIGTERM')).toEqual(cleanly)
})

describe('a server that waits for Redis', () => {
  /** Nobody listens there. */
  const redis = 'redis://127.0.0.1:1'
  const namespaces = process.getuid?.() === 0 ? ['--pid'] : ['--user', '--map-root-user', '--pid']

  /** Starts a server whose Redis is down. */
  async function waiting(runtime?: Runtime): Promise<Command> {
    const server = new Command([`--redis=${redis}`, '--port=0', '--host=127.0.0.1'], {}, runtime)
    await server.stderr.until('a failed attempt', (lines) =>
      lines.some((line) => line.includes('no connection to Redis'))
    )
    return server
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('is ended by %s', async (signal) => {
    await using server = await waiting()
    expect(await server.stop(signal)).toEqual(cleanly)
    expect(server.stderr.items.at(-1)).toContain(stopped)
    expect(server.stdout.items).toEqual([])
  })

  test('is ended as process 1 of a container', async () => {
    await using server = await waiting(['unshare', ...namespaces, '--fork', '--kill-child', process.execPath])
    const { pid } = server.child
    const [child] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ')
    process.kill(Number(child), 'SIGTERM')
    expect(await within('its end', server.exit)).toEqual(cleanly)
  })

  test('is not ended by SIGHUP', async () => {
    await using server = await waiting()
    server.child.kill('SIGHUP')
    await server.stderr.until('the end of its patience', (lines) =>
      lines.some((line) => line.includes('did not answer correctly'))
    )
    expect(await server.exit).toEqual({ code: 2, signal: null })
  }, 30_000)
})

test('a library that is stopped while it waits for Redis says so', async () => {
  const server = createRendezvous({ host: '127.0.0.1', port: 0, redis: 'redis://127.0.0.1:1' })
  const aborted = { status: 'rejected', reason: { code: 'ERR_START_ABORTED' } }
  const [first] = await Promise.allSettled([server.start(), server.stop()])
  expect(first).toMatchObject(aborted)
  // A stopped server can be started again.
  const [second] = await Promise.allSettled([server.start(), server.drain()])
  expect(second).toMatchObject(aborted)
})
