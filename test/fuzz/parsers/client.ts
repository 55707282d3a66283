import { setImmediate as turn } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { createStarClient, keyFromSeed } from '@websocket-star/client'
import { webSocketStar, type WebSocketStarComponents } from '@websocket-star/libp2p'
import { InvalidOptionsError, parseAddress } from '@websocket-star/protocol'
import { socketStreams } from '@websocket-star/streams'
import fc from 'fast-check'
import { PeerTable } from '../../../packages/client/src/peer-table.js'
import { parseServer } from '../../../packages/client/src/server-address.js'
import { ServerPeers } from '../../../packages/client/src/server-peers.js'
import { STRICT_PARSER } from '../../../packages/client/src/strict-parser.js'
import { toPeerId } from '../../../packages/libp2p/src/peer-id.js'
import { resolveCodec, sizeOf } from '../../../packages/streams/src/codec.js'
import { FakeSocket } from '../../../packages/streams/test/fake-socket.js'
import { anything, edited, editedBytes, peerId, starAddress } from './arbitraries.js'
import { defineParser, holds, readOrRefuse } from './parser.js'
import { SaidTransport, type Said } from './said-transport.js'

const OWN = await keyFromSeed(new Uint8Array(32).fill(7))
const OTHER = await keyFromSeed(new Uint8Array(32).fill(8))
const PREFIX = '/dns4/star.test/tcp/80/ws/p2p-websocket-star'

const url = fc
  .tuple(
    fc.constantFrom('http', 'https', 'ws', 'wss', 'ftp'),
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`)
    ),
    fc.constantFrom('', ':80', ':65535', '/path')
  )
  .map(([scheme, host, rest]) => `${scheme}://${host}${rest}`)

const server = defineParser({
  name: 'server',
  share: 500,
  inputs: fc.oneof(edited(url), edited(starAddress)),
  read: (text) => {
    const read = readOrRefuse(() => parseServer(text, OWN.publicKey.toString()), InvalidOptionsError)
    if (read === undefined) return
    const { origin, pathname } = new URL(read.url)
    holds('it has a URL, with the path of its mount point', read.url === origin + pathname.replace(/\/+$/, ''))
  }
})

/** Hears of peers, and tells nobody. */
const NOBODY = await createStarClient({ servers: [], privateKey: OWN })
const MAX_PEERS = 8
const anyPeers = fc.array(fc.oneof({ arbitrary: peerId.map((id) => `${PREFIX}/p2p/${id}`), weight: 4 }, anything), {
  maxLength: 12
})
const told = fc.oneof(
  fc.record({ joined: anyPeers, left: anyPeers, full: fc.boolean(), more: fc.boolean() }, { requiredKeys: [] }),
  anyPeers,
  anything
)

const serverPeers = defineParser({
  name: 'server-peers',
  share: 300,
  inputs: fc.array(told, { maxLength: 4 }),
  read: (all) => {
    const table = new PeerTable(NOBODY)
    const { peers } = table
    const view = new ServerPeers(table, { self: OWN.publicKey.toString(), maxPeers: MAX_PEERS, expiry: 1_000 })
    try {
      for (const argument of all) {
        view.changed(argument)
        view.announced(argument)
        if (Array.isArray(argument)) view.listed(argument)
        holds('no more peers are kept than may be', peers.size <= MAX_PEERS)
      }
    } finally {
      view.clear()
    }
    holds('no peer is left', peers.size === 0)
  }
})

const codec = defineParser({
  name: 'codec',
  share: 1_000,
  inputs: fc.oneof(
    anything,
    fc.uint8Array(),
    fc.uint8Array().map((bytes) => bytes.buffer),
    fc.stringMatching(/^[0-9a-f]*$/)
  ),
  read: (wire) => {
    for (const name of ['buffer', 'plain', 'hex'] as const)
      readOrRefuse(() => resolveCodec<unknown>(name).decode(wire), TypeError)
    // JSON cannot say all that JavaScript can.
    const size = readOrRefuse(() => sizeOf(wire), TypeError, RangeError)
    holds('a size is a number of bytes', size === undefined || (Number.isInteger(size) && size >= 0))
  }
})

const WINDOW = 1_000
const streamEvent = fc.tuple(
  fc.constantFrom('accept' as const, 'queue' as const, 'error' as const, 'credit' as const),
  fc.constantFrom('in', 'out', 'both', 'none'),
  fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.record({ window: fc.integer() }), fc.integer(), fc.boolean(), anything)
)

const streams = defineParser({
  name: 'streams',
  share: 200,
  inputs: fc.array(streamEvent, { maxLength: 20 }),
  read: (events) => {
    const socket = new FakeSocket()
    const streams = socketStreams(socket)
    const options = { window: { initial: WINDOW, max: WINDOW }, tolerance: WINDOW }
    const sources = [
      streams.createSource('in', { ...options, codec: 'buffer', framing: 'bytes' }),
      streams.createSource('both', options)
    ]
    const sinks = [streams.createSink('out', { codec: 'buffer' }), streams.createSink('both')]
    for (const sink of sinks) sink.write(Buffer.alloc(10))
    for (const [kind, stream, argument] of events) socket.hear(kind, stream, argument)
    for (const source of sources) {
      holds('no more waits to be read than was granted', source.closed || source.readableLength <= 2 * WINDOW)
      source.resume()
    }
    streams.close()
    holds('no stream is left', streams.size === 0)
  }
})

const packet = fc.oneof(
  fc.constantFrom(
    '0{"sid":"a"}',
    '0',
    '1',
    '4{"message":"no"}',
    '4',
    '43[1]',
    '2["ss-taken","/a"]',
    '2["ss-held"]',
    '3',
    '31[null]',
    '2["ss-drain",{"afterMs":5}]',
    '2["ss-drain",null]',
    `2["ws-peer","${PREFIX}/p2p/${OTHER.publicKey.toString()}"]`,
    '2["ss-peers",{"joined":[],"left":[],"full":true}]',
    '27["ss-incomming","x1",null]',
    '2["ss-incomming"]',
    `25["ss-incomming","x1","${PREFIX}/p2p/${OTHER.publicKey.toString()}"]`,
    '2["socket.io-pull-stream.error.x1.dialer",true]',
    '51-["socket.io-pull-stream.queue.x1.dialer",{"_placeholder":true,"num":0}]',
    '2["socket.io-pull-stream.credit.x1.listener",9]',
    '2["socket.io-pull-stream.accept.<dial>.dialer",{"window":5}]',
    '2["socket.io-pull-stream.error.<dial>.listener","no"]',
    '51-["socket.io-pull-stream.queue.<dial>.listener",{"_placeholder":true,"num":0}]'
  ),
  fc
    .tuple(fc.constantFrom('2', '3', '5', '51-', '61-'), fc.jsonValue())
    .map(([type, data]) => `${type}${JSON.stringify(data)}`)
)

const decoder = defineParser({
  name: 'strict-parser',
  share: 1_000,
  inputs: fc.array(fc.oneof({ arbitrary: edited(packet), weight: 4 }, editedBytes(fc.uint8Array())), { maxLength: 4 }),
  read: (packets) => {
    const decoder = new STRICT_PARSER.Decoder()
    // An error here ends a connection, and nothing else: what it is called does not matter.
    for (const packet of packets) readOrRefuse(() => decoder.add(packet), Error)
    decoder.destroy()
  }
})

const OPEN = '0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
const CONNECT = '40{"sid":"b","websocketStar":{"version":2,"limits":{"messageSize":1000000}}}'
const message = fc.oneof(
  { arbitrary: edited(packet).map((text) => `4${text}`), weight: 6 },
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  edited(fc.constantFrom('2', '3', '1', '6', '0', '5', '2probe'))
)
const answer = edited(
  fc.constantFrom(
    '[null,null,[]]',
    '[null,"nonce"]',
    '["no"]',
    '[]',
    `[null,null,["${PREFIX}/p2p/${OTHER.publicKey.toString()}"]]`
  )
)

/** A server's words to a client: its answers, and what it says after the client has joined and dialled. */
const said: fc.Arbitrary<Said> = fc.record({
  open: fc.oneof({ arbitrary: fc.constant(OPEN), weight: 9 }, edited(fc.constant(OPEN))),
  connect: fc.oneof({ arbitrary: fc.constant(CONNECT), weight: 6 }, edited(fc.constant(CONNECT))),
  join: fc.oneof({ arbitrary: fc.constant('[null,null,[]]'), weight: 6 }, answer),
  dial: fc.oneof({ arbitrary: fc.constant('[]'), weight: 4 }, answer),
  after: fc.array(message, { maxLength: 8 })
})

const client = defineParser({
  name: 'client',
  share: 30,
  inputs: said,
  read: async (said) => {
    const faults: unknown[] = []
    const onFault = (fault: unknown): void => void faults.push(fault)
    // Nobody can catch what is thrown out of a socket's listener: it would end the process.
    process.on('uncaughtException', onFault)
    process.on('unhandledRejection', onFault)
    try {
      const transport = SaidTransport.of(said)
      const client = await createStarClient({
        servers: ['http://star.test'],
        privateKey: OWN,
        allowUnchallenged: true,
        socket: { transports: [transport] }
      })
      client.handle((connection) => connection.abort('no'))
      const joined = client.join().catch(() => {})
      for (let turns = 0; turns < 6; turns++) await turn()
      const dialled = client.dial(OTHER.publicKey.toString()).then(
        (connection) => connection.abort('enough'),
        () => {}
      )
      for (let turns = 0; turns < 6; turns++) await turn()
      await client.close()
      await Promise.all([joined, dialled])
      await turn()
    } finally {
      process.off('uncaughtException', onFault)
      process.off('unhandledRejection', onFault)
    }
    if (faults.length > 0) throw faults[0]
  }
})

const peerIds = defineParser({
  name: 'libp2p-peer-id',
  share: 100,
  inputs: edited(peerId),
  read: (text) => {
    const id = toPeerId(text)
    if (id !== undefined) holds('it is read back equal', toPeerId(id.toString())?.equals(id) === true)
  }
})

const log = Object.assign(() => {}, { error: () => {}, trace: () => {}, newScope: () => log, enabled: false })
// It looks at addresses only.
const transport = webSocketStar()({ logger: { forComponent: () => log } } as unknown as WebSocketStarComponents)

const filters = defineParser({
  name: 'libp2p-filters',
  share: 300,
  inputs: fc.oneof(starAddress, edited(starAddress)),
  read: (text) => {
    // What is no multiaddr libp2p has refused before.
    const address = readOrRefuse(() => multiaddr(text), Error)
    if (address === undefined) return
    const [dialled] = transport.dialFilter([address])
    const [listened] = transport.listenFilter([address])
    holds('what can be dialled can be listened on', dialled === undefined || listened !== undefined)
    if (listened !== undefined) holds('it is an address of a star', parseAddress(listened.toString()).strict)
  }
})

export const CLIENT_PARSERS = [server, serverPeers, codec, streams, decoder, client, peerIds, filters]
