import { eventually } from '@websocket-star/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFirstServer } from '../support/first-server.js'
import { joinLegacy, type LegacyNode } from '../support/legacy.js'
import type { Connection, End, Source } from '../support/legacy-types.js'
import { startStar, type Star, type StarAddress } from '../support/star.js'
import { accepting, joinClient, readAll } from '../support/star-client.js'
import { pull, receive, type Received } from '../support/streams.js'

/** What both servers have here. */
interface Server extends StarAddress, AsyncDisposable {
  stop(): Promise<void>
}

/** What an application reads of a half. */
interface Seen {
  readonly bytes: number
  readonly end: End
}

const SIZE = 70_000

/** Alice stays and looks; her connections with bob have carried bytes each way. */
interface Scene {
  readonly server: Server
  readonly bob: LegacyNode
  /** Ends one half that bob sends on, the one of the connection that alice dialled. */
  endHalf(end: End): void
}

/** Something that happens, and how many of the halves that alice reads it ends. */
interface Happening {
  readonly ends: 1 | 2
  happen(scene: Scene): unknown
}

const HAPPENINGS: Readonly<Record<string, Happening>> = {
  'the other peer disconnects': { ends: 2, happen: ({ bob }) => bob.listener.io?.disconnect() },
  'the other peer loses its connection': { ends: 2, happen: ({ bob }) => closeSocket(bob) },
  'the other peer ends its half': { ends: 1, happen: ({ endHalf }) => endHalf(true) },
  'the other peer ends its half with a reason': { ends: 1, happen: ({ endHalf }) => endHalf('no more') },
  'the server stops': { ends: 2, happen: ({ server }) => server.stop() }
}

/** Closes the TCP connection of a peer, as a lost network does. */
function closeSocket({ listener: { io } }: LegacyNode): void {
  // The fields of ws below socket.io-client 2, in Node.
  const engine = io?.io.engine as unknown as { transport: { ws: { terminate(): void } } } | undefined
  engine?.transport.ws.terminate()
}

/** Bytes, and an end on request. */
function endable(): { source: Source<Buffer>; end: (end: End) => void } {
  let isSent = false
  let waiting: ((end: End) => void) | undefined
  return {
    source: (abort, callback) => {
      if (abort !== null) return callback(abort)
      if (isSent) {
        waiting = callback
        return
      }
      isSent = true
      callback(null, Buffer.alloc(SIZE))
    },
    end: (end) => waiting?.(end)
  }
}

/** Reads to the end. `bytes` counts as it goes. */
function look({ source }: Pick<Connection, 'source'>): { bytes(): number; seen: Promise<Seen> } {
  let bytes = 0
  const counted: Source<Buffer> = (abort, callback) =>
    source(abort, (end, data) => {
      bytes += data?.length ?? 0
      callback(end, data)
    })
  return { bytes: () => bytes, seen: receive(counted).then(({ end }) => ({ bytes, end })) }
}

/** Returns what alice reads of the connections that end, first of the one that she dialled. */
async function play(server: Server, { ends, happen }: Happening): Promise<Seen[]> {
  const halves: ReturnType<typeof endable>[] = []
  const send = (connection: Connection) => {
    const half = endable()
    halves.push(half)
    pull(half.source, connection.sink)
  }
  await using alice = await joinLegacy({ star: server.multiaddr, name: 'alice', handle: send })
  await using bob = await joinLegacy({ star: server.multiaddr, name: 'bob', handle: send })
  const dialled = await alice.dial(bob.address)
  await bob.accepted.next('the dial of alice')
  send(dialled)
  send(await bob.dial(alice.address))
  const looks = [look(dialled), look(await alice.accepted.next('the dial of bob'))]
  await eventually('all bytes to arrive', () => looks.every((each) => each.bytes() === SIZE))
  await happen({ server, bob, endHalf: (end) => halves[0]?.end(end) })
  return await Promise.all(looks.slice(0, ends).map(({ seen }) => seen))
}

const firstServer = await startFirstServer().then(
  async (server) => {
    await server[Symbol.asyncDispose]()
    return undefined
  },
  (error: unknown) => String(error)
)
if (firstServer !== undefined) console.log(`The first server is left out: ${firstServer}`)

describe.each(Object.entries(HAPPENINGS))('when %s', (_name, happening) => {
  test.skipIf(firstServer !== undefined)('a legacy client sees what it saw at the first server', async () => {
    await using before = await startFirstServer()
    await using now = await startStar()
    expect(await play(now, happening)).toEqual(await play(before, happening))
  })
})

describe('a legacy client sees a normal end, and a client of this project the reason,', () => {
  /** Reads of a connection with a peer, at either kind of client. */
  async function readers(star: Star, peer: string): Promise<{ legacy: Promise<Received>; client: Promise<unknown> }> {
    const alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    onTestFinished(() => alice[Symbol.asyncDispose]())
    const carol = await joinClient(star)
    const [dialled, connection] = await Promise.all([alice.dial(peer), carol.dial(peer)])
    return { legacy: receive(dialled.source), client: readAll(connection.readable).catch((error: unknown) => error) }
  }

  test('when a client of this project closes', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    const accepted = accepting(client)
    const { legacy, client: other } = await readers(star, `${star.multiaddr}/ipfs/${client.peerId}`)
    await accepted.next()
    await accepted.next()
    await client.close()
    expect(await legacy).toEqual({ chunks: [], end: true })
    expect(await other).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'Peer has left' })
  })

  test('when the server drains', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    accepting(client)
    const { legacy, client: other } = await readers(star, `${star.multiaddr}/ipfs/${client.peerId}`)
    await star.server.drain({ timeout: 1 })
    expect(await legacy).toEqual({ chunks: [], end: true })
    expect(await other).toMatchObject({ code: expect.stringMatching(/^ERR_(STREAM_RESET|CONNECTION_LOST)$/) })
  })

  test('but a legacy client gets the reason of an application that aborts', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    client.handle((connection) => connection.abort(new Error('out of paper')))
    const { legacy, client: other } = await readers(star, `${star.multiaddr}/ipfs/${client.peerId}`)
    expect((await legacy).end).toBe('out of paper')
    expect(await other).toMatchObject({ reason: 'out of paper' })
  })
})
