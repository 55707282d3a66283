import { setTimeout as delay } from 'node:timers/promises'
import { BINARY, headerOf, maskedFrame, PING, PONG, RawPeer, textFrame, type RawOptions } from '@websocket-star/testkit'
import { eachAttacker, type Attack, type Scene } from './attack.js'
import { burstOf, flood } from './flood.js'
import { besiege, endOf, ignoreAnswers } from './peers.js'
import { askOnce, besiegeSockets, openPolling, over, postHead } from './sockets.js'

/** Floods of small messages by those who have not joined. */

/** Bytes of one POST: a little less than the largest that is taken. */
const POST = 1_000_000
const UPGRADE_HEADERS =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n'

/** An attack that repeats frames over WebSockets, and reads and forgets the answers. */
function flooding(
  name: string,
  about: string,
  frames: readonly Buffer[],
  options: RawOptions = {},
  { reads = true, messages = frames.length } = {}
): Attack {
  const burst = burstOf(frames, messages)
  return {
    name,
    about,
    run: async (scene) =>
      await besiege(scene, options, async (peer) => {
        if (reads) ignoreAnswers(peer)
        else peer.tcp.pause()
        await flood(scene, peer.tcp, burst)
      })
  }
}

const EIO4: RawOptions = { eio: '4' }
const KEY = '08011220' + 'ab'.repeat(32)
const ADDRESS = '/ip4/10.0.0.1/tcp/9090/ws/p2p-websocket-star/ipfs/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const DIAL = `420["ss-dial","${ADDRESS}","${ADDRESS}","dial"]`

/** Opens a session by polling, and sends it the same POST until one is not taken. */
async function pollingFlood(scene: Scene, eio: 3 | 4, { body, messages }: Payload): Promise<void> {
  await eachAttacker(scene, async (index) => {
    while (!scene.signal.aborted) {
      const sid = await openPolling(scene, index, eio)
      if (sid !== undefined) {
        const head = postHead(scene, sid, eio, body.length).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
        let status = 200
        while (status === 200 && !scene.signal.aborted) {
          await scene.link.room(body.length)
          scene.tally.messages += messages
          ;({ status } = await askOnce(scene, index, head + body))
        }
        scene.tally.ended(`POST: HTTP ${status}`)
      }
      await delay(250)
    }
  })
}

/** The body of a POST. */
interface Payload {
  readonly body: string
  readonly messages: number
}

function repeated(packet: string, separator: string, first = packet): Payload {
  const messages = Math.floor(POST / (packet.length + separator.length))
  const packets = Array.from({ length: messages }, (_, index) => (index === 0 ? first : packet))
  return { body: packets.join(separator), messages }
}

/** Sends pings in the same write as the request that opens the WebSocket, and comes back as soon as it was let in. */
async function earlyPings(scene: Scene): Promise<void> {
  const pings = burstOf([maskedFrame(PING)], 1, 60_000)
  const request = `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${scene.host}:${scene.port}\r\n${UPGRADE_HEADERS}\r\n`
  const bytes = Buffer.concat([Buffer.from(request), pings.bytes])
  await besiegeSockets(scene, async (tcp) => {
    await scene.link.room(bytes.length)
    tcp.write(bytes)
    scene.tally.messages += pings.messages
    await Promise.race([delay(200), over(scene)])
    scene.tally.leave(tcp)
  })
}

/** Begins to upgrade from polling, never ends it, and sends pings meanwhile. */
async function probePings(scene: Scene): Promise<void> {
  const burst = burstOf([maskedFrame(PING)])
  await eachAttacker(scene, async (index) => {
    while (!scene.signal.aborted) {
      const sid = await openPolling(scene, index, 4)
      if (sid !== undefined) {
        const peer = new RawPeer(scene.url, { eio: '4', sid, localAddress: scene.addressOf(index), isRecorded: false })
        scene.tally.watch(peer.tcp)
        const isOpen = await peer.webSocket.opened.then(
          () => true,
          () => false
        )
        if (isOpen) {
          ignoreAnswers(peer)
          peer.send('2probe')
          await flood(scene, peer.tcp, burst)
        }
        await endOf(scene, peer)
      }
      await delay(250)
    }
  })
}

export const MESSAGES: readonly Attack[] = [
  flooding('websocket-pings', 'WebSocket pings of 6 bytes', [maskedFrame(PING)], EIO4),
  flooding('websocket-pongs', 'WebSocket pongs of 6 bytes', [maskedFrame(PONG)], EIO4),
  flooding('unread-pings', 'WebSocket pings whose answers are not read', [maskedFrame(PING)], EIO4, { reads: false }),
  flooding('engine-pings', 'engine.io pings, revision 3', [textFrame('2')]),
  flooding('engine-pongs', 'engine.io pongs, revision 4', [textFrame('3')], EIO4),
  {
    name: 'polling-pings',
    about: 'POSTs of 1 MB full of engine.io pings, revision 3',
    run: (scene) => pollingFlood(scene, 3, repeated('1:2', ''))
  },
  {
    name: 'polling-pongs',
    about: 'POSTs of 1 MB full of engine.io pongs, revision 4',
    run: (scene) => pollingFlood(scene, 4, repeated('3', '\x1e'))
  },
  {
    name: 'polling-events',
    about: 'POSTs of 1 MB full of unknown events',
    run: (scene) => pollingFlood(scene, 4, repeated('42["x"]', '\x1e', '40'))
  },
  flooding('acks', 'answers to nothing', [textFrame('430[]')]),
  flooding('joins', 'first rounds of a join with the same key', [textFrame(`420["ss-join","${ADDRESS}","${KEY}"]`)]),
  flooding('malformed-joins', 'joins whose address is none', [textFrame('420["ss-join","/x","y"]')]),
  flooding('leaves', 'leaves of an address that is not theirs', [textFrame(`42["ss-leave","${ADDRESS}"]`)]),
  flooding('dials-unjoined', 'dials by those who have not joined', [textFrame(DIAL)]),
  flooding('unread-answers', 'dials whose answers are not read', [textFrame(DIAL)], {}, { reads: false }),
  flooding('unknown-events', 'events that nobody knows', [textFrame('42["x"]')]),
  flooding(
    'reserved-events',
    'events named disconnect, error, connect, newListener',
    ['disconnect', 'error', 'connect', 'newListener'].map((name) => textFrame(`42["${name}"]`))
  ),
  flooding(
    'unknown-stream-events',
    'ends, accepts and credit of streams that do not exist',
    ['error', 'accept', 'credit'].map((kind) => textFrame(`42["socket.io-pull-stream.${kind}.x.dialer",1]`))
  ),
  flooding(
    'unknown-streams',
    'chunks of streams that do not exist',
    [textFrame(headerOf('x.dialer')), maskedFrame(BINARY, Buffer.of(4, 1))],
    {},
    { messages: 1 }
  ),
  flooding('namespaces', 'CONNECTs of other namespaces', [textFrame('40/foo,')], EIO4),
  { name: 'early-pings', about: 'pings in the same segment as the request of the WebSocket', run: earlyPings },
  { name: 'probe-pings', about: 'pings during an upgrade that is never finished', run: probePings }
]
