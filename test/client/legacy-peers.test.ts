import { pushStreams } from '@websocket-star/client'
import { readableStream } from '@websocket-star/streams'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { joinLegacy } from '../support/legacy.js'
import { joinSocket } from '../support/socket.js'
import { startStar } from '../support/star.js'
import { accepting, echoing, joinClient, readAll, untilPeers, writeRandom } from '../support/star-client.js'
import { intact, randomChunks, receive, roundTrip } from '../support/streams.js'

const MB = 1_000_000

describe('beside a real legacy client', () => {
  test.each(['0.8.1', '0.9.0', '0.10.2'] as const)('each hears of the other, %s', async (version) => {
    await using star = await startStar({ discovery: { interval: 200 } })
    const client = await joinClient(star)
    await using legacy = await joinLegacy({ star: star.multiaddr, name: 'alice', version })
    await legacy.discovered.until('word of the client', (items) =>
      items.includes(`${star.multiaddr}/ipfs/${client.peerId}`)
    )
    await untilPeers(client, 'word of the legacy client', () => client.peers.has(legacy.peerId))
    expect([...client.peers]).toEqual([{ id: legacy.peerId, addresses: [`${star.multiaddr}/p2p/${legacy.peerId}`] }])
    await legacy.close()
    await untilPeers(client, 'its leave', () => client.peers.size === 0)
  })

  test('a client dials it, and gets megabytes back', async () => {
    await using star = await startStar()
    await using legacy = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    const client = await joinClient(star)
    const connection = await client.dial(legacy.peerId)
    const [digest, returned] = await Promise.all([
      writeRandom(connection.writable, 10 * MB),
      readAll(connection.readable)
    ])
    expect(returned).toEqual({ bytes: 10 * MB, digest })
    await connection.closed
  })

  test('it dials a client, and gets megabytes back', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    echoing(client)
    await using legacy = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    const connection = await legacy.dial(`${star.multiaddr}/ipfs/${client.peerId}`)
    expect(await roundTrip(randomChunks(10 * MB), connection)).toEqual(intact)
  })

  test('a flood of an old sender waits at the server for a client that does not read', async () => {
    await using star = await startStar()
    const client = await joinClient(star, { window: { initial: 262_144, max: 262_144 } })
    const accepted = accepting(client)
    await using legacy = await joinSocket(star, 'alice')
    const chunks = randomChunks(20 * MB, [65_536])
    const { sink } = await legacy.dial(`${star.multiaddr}/ipfs/${client.peerId}`, 'flood')
    const { pull } = await import('../support/streams.js')
    pull(pull.values(chunks), sink)
    const connection = await accepted.next()
    await eventually('the sender to be paused', () => star.server.stats().pausedSenders === 1)
    const { source } = pushStreams(connection)
    expect(source.readableLength).toBeLessThan(3 * MB)
    expect(await readAll(readableStream(source))).toMatchObject({ bytes: 20 * MB })
    expect(star.server.stats()).toMatchObject({ pausedSenders: 0, reset: {} })
  })

  test('a flood of a client waits for an old receiver that does not read', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    await using legacy = await joinSocket(star, 'alice')
    const connection = await client.dial(legacy.address)
    const { source } = await legacy.accepted.next('the dial')
    const digest = writeRandom(connection.writable, 20 * MB)
    const { chunks } = await receive(source)
    const { createHash } = await import('node:crypto')
    expect(createHash('sha256').update(Buffer.concat(chunks)).digest('hex')).toBe(await digest)
  })
})
