import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { noise } from '@libp2p/noise'
import { tls, type TLSComponents } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { ECHO, roundTrip, serveEcho } from '../support/libp2p-echo.js'
import { startNode, type NodeOptions, type TestNode } from '../support/libp2p-node.js'
import { startStar, type Star } from '../support/star.js'

const MB = 1_000_000
const SINK = '/sink/1.0.0'

function addressOf(star: Star, { peerId }: TestNode) {
  return multiaddr(`${star.multiaddr}/p2p/${peerId.toString()}`)
}

/** Counts the bytes that arrive at a node, and checks that they are in order. */
async function serveSink(node: TestNode): Promise<() => number> {
  let received = 0
  await node.handle(SINK, async (stream) => {
    for await (const chunk of stream) {
      for (const byte of chunk.subarray()) if (byte !== received++ % 251) throw new Error(`byte ${received} is wrong`)
    }
  })
  return () => received
}

/** Sends bytes at once: what does not leave is queued above the transport. */
async function sendAtOnce(node: TestNode, target: TestNode, size: number): Promise<void> {
  const stream = await node.dialProtocol(target.peerId, SINK)
  stream.send(Uint8Array.from({ length: size }, (_, index) => index % 251))
}

describe.each([
  ['tls', 'yamux', { connectionEncrypters: [tls()], streamMuxers: [yamux()] }],
  ['tls', 'mplex', { connectionEncrypters: [tls()], streamMuxers: [mplex()] }],
  ['noise', 'yamux', { connectionEncrypters: [noise()], streamMuxers: [yamux()] }],
  ['noise', 'mplex', { connectionEncrypters: [noise()], streamMuxers: [mplex()] }]
] as const)('with %s and %s', (_, __, { connectionEncrypters, streamMuxers }) => {
  const more: NodeOptions['more'] = {
    connectionEncrypters: [...connectionEncrypters],
    streamMuxers: [...streamMuxers],
    // Pings would wait behind all that is under way.
    connectionMonitor: { enabled: false }
  }

  test('what two nodes send each other at the same time arrives', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr], { more })
    await using bob = await startNode([star.multiaddr], { more })
    const counts = await Promise.all([serveSink(alice), serveSink(bob)])
    await alice.dial(addressOf(star, bob))
    await alice.services.ping.ping(bob.peerId)
    await Promise.all([sendAtOnce(alice, bob, 20 * MB), sendAtOnce(bob, alice, 20 * MB)])
    await eventually('all of it', () => counts.every((count) => count() === 20 * MB))
  })

  test('10 MB come back from an echo', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr], { more })
    await using bob = await startNode([star.multiaddr], { more })
    await serveEcho(bob)
    const stream = await alice.dialProtocol(addressOf(star, bob), ECHO)
    expect(await within('the echo', roundTrip(stream, 10 * MB))).toBe(10 * MB)
  })
})

/** TLS that shows the connections that it encrypts. */
function observedTls(connections: MessageStream[]): (components: TLSComponents) => ConnectionEncrypter {
  return (components) => {
    const encrypter = tls()(components)
    const { protocol } = encrypter
    return {
      protocol,
      secureInbound: (connection, options) => {
        connections.push(connection)
        return encrypter.secureInbound(connection, options)
      },
      secureOutbound: (connection, options) => {
        connections.push(connection)
        return encrypter.secureOutbound(connection, options)
      }
    }
  }
}

test('two ends that never read accept only so much to send, and give up with a reason', async () => {
  await using star = await startStar()
  const connections: MessageStream[] = []
  const more = { connectionEncrypters: [observedTls(connections)] }
  await using alice = await startNode([star.multiaddr], { more })
  await using bob = await startNode([star.multiaddr], { more })
  await alice.dial(addressOf(star, bob))
  await alice.services.ping.ping(bob.peerId)
  const ends = connections.map((connection) => {
    let accepted = 0
    const fill = (): void => {
      let canSendMore = connection.status === 'open'
      while (canSendMore && accepted < 100 * MB) {
        canSendMore = connection.send(new Uint8Array(65_536))
        accepted += 65_536
      }
    }
    const end = new Promise<{ error: unknown; accepted: number }>((resolve) => {
      connection.addEventListener('close', ({ error }) => resolve({ error, accepted }), { once: true })
    })
    connection.pause()
    connection.addEventListener('drain', fill)
    fill()
    return end
  })
  expect(ends).toHaveLength(2)
  const results = await within('the end', Promise.all(ends))
  for (const { accepted } of results) {
    expect(accepted).toBeGreaterThan(4 * MB)
    expect(accepted).toBeLessThan(36 * MB)
  }
  // The other end may get the reset first.
  expect(results.map(({ error }) => error)).toContainEqual(
    expect.objectContaining({ code: 'ERR_CONNECTION_STALLED', message: expect.stringContaining('noise()') })
  )
})
