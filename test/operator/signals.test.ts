import { connectRaw, type RawOptions, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { CommandServer } from '../support/command.js'
import { joinLegacy } from '../support/legacy.js'
import { createIdentity } from '../support/raw-identity.js'

const cleanly = { code: 0, signal: null }
const stopped = 'Rendezvous server stopped'

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  test('ends a server without clients', async () => {
    await using server = await CommandServer.start()
    expect(await server.stop(signal)).toEqual(cleanly)
    expect(server.stdout.items.at(-1)).toBe(stopped)
  })

  test('ends a server with clients, who see their connections close', async () => {
    await using server = await CommandServer.start()
    await using legacy = await joinLegacy({ star: server.multiaddr, name: 'alice' })
    const disconnected = new Promise<void>((resolve) => legacy.listener.io?.once('disconnect', resolve))
    const kinds: RawOptions[] = [{ eio: '3' }, { eio: '4' }, { transport: 'polling' }]
    const peers = await Promise.all(kinds.map(async (options) => await connectRaw(server.url, options)))
    for (const peer of peers) await peer.join(await createIdentity(), server.multiaddr)

    expect(await server.stop(signal)).toEqual(cleanly)
    expect(server.stdout.items.filter((line) => line === stopped)).toHaveLength(1)
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
  expect(server.stdout.items.filter((line) => line === stopped)).toHaveLength(1)
  peer.webSocket.tcp.resume()
})

test('a browser that keeps its connection open holds nothing up', async () => {
  await using server = await CommandServer.start()
  // fetch keeps the connection for the next request
  expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' })
  expect(await server.stop('SIGTERM')).toEqual(cleanly)
})
