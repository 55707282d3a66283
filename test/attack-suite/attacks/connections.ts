import { setTimeout as delay } from 'node:timers/promises'
import { eachAttacker, type Attack, type Scene } from './attack.js'
import { flood } from './flood.js'
import { besiege, endOf, connect } from './peers.js'
import { askOnce, besiegeSockets, getRequest, openPolling, over } from './sockets.js'

/** Connections and requests over HTTP: many, slow, unfinished, pipelined. */

/** Attackers that open as many connections as they can, a few at a time. */
const OPENING = 50

/** Sends the same request again and again on each connection, without waiting for the answers. */
function pipelining(
  name: string,
  about: string,
  path: string,
  headers = '',
  { reads = true, ...more }: Partial<Attack> & { reads?: boolean } = {}
): Attack {
  return {
    name,
    about,
    ...more,
    run: async (scene) => {
      const request = Buffer.from(getRequest(scene, path, headers))
      const times = Math.floor(16_384 / request.length)
      const burst = { bytes: Buffer.concat(Array.from({ length: times }, () => request)), messages: times }
      await besiegeSockets(
        scene,
        async (tcp) => {
          if (reads) tcp.resume()
          await flood(scene, tcp, burst)
        },
        { reads }
      )
    }
  }
}

/** Sends a byte of the head every so often. */
async function slowHeaders(scene: Scene): Promise<void> {
  await besiegeSockets(scene, async (tcp) => {
    tcp.write(`GET / HTTP/1.1\r\nHost: ${scene.host}\r\nX: `)
    while (tcp.writable && !scene.signal.aborted) {
      tcp.write('a')
      scene.tally.messages++
      await delay(500)
    }
  })
}

async function slowBodies(scene: Scene): Promise<void> {
  await besiegeSockets(scene, async (tcp) => {
    tcp.write(
      `POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: ${scene.host}\r\nContent-Length: 1000000\r\n\r\n`
    )
    while (tcp.writable && !scene.signal.aborted) {
      tcp.write('a')
      scene.tally.messages++
      await delay(500)
    }
  })
}

/** Opens connections that never join, and stays until the server's deadline for joining. */
async function deadline(scene: Scene): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: OPENING }, async () => {
      while (next < scene.connections && !scene.signal.aborted) {
        const peer = await connect(scene, next++, { eio: '4', auth: null })
        if (peer === undefined) continue
        const answering = setInterval(() => peer.send('3'), 20_000)
        void endOf(scene, peer).then(() => clearInterval(answering))
        scene.tally.messages++
      }
    })
  )
  await over(scene)
}

async function reconnect(scene: Scene): Promise<void> {
  await besiege(scene, { pause: 0 }, (peer) => {
    scene.tally.messages++
    scene.tally.leave(peer.tcp)
  })
}

async function socketChurn(scene: Scene): Promise<void> {
  await besiegeSockets(
    scene,
    async (tcp) => {
      await new Promise((resolve) => tcp.once('connect', resolve).once('close', resolve))
      scene.tally.messages++
      scene.tally.leave(tcp)
    },
    { pause: 1 }
  )
}

/** Opens sessions by polling and leaves them. */
async function pollingSessions(scene: Scene): Promise<void> {
  await eachAttacker(scene, async (index) => {
    while (!scene.signal.aborted) {
      const sid = await openPolling(scene, index, 4)
      if (sid === undefined) await delay(50)
      else scene.tally.messages++
    }
  })
}

/** Opens pages that show new figures, and stays. */
async function eventPages(scene: Scene): Promise<void> {
  await besiegeSockets(scene, async (tcp) => {
    tcp.resume()
    tcp.write(getRequest(scene, '/events'))
    scene.tally.messages++
    await over(scene)
  })
}

async function wrongTokens(scene: Scene): Promise<void> {
  await eachAttacker(scene, async (index) => {
    for (let number = 0; !scene.signal.aborted; number++) {
      const headers = `Authorization: Bearer wrong-token-${index}-${number}\r\nConnection: close\r\n`
      const { status } = await askOnce(scene, index, getRequest(scene, '/admin/peers', headers))
      scene.tally.messages++
      scene.tally.ended(`HTTP ${status}`)
    }
  })
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const MALFORMED: readonly string[] = [
  'GET\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  `GET / HTTP/1.1\r\n${'X'.repeat(20_000)}: 1\r\n\r\n`,
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /%ff%00/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
  `GET /socket.io/ HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
  `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n${UPGRADE}Sec-WebSocket-Key: x\r\n\r\n`,
  `GET /socket.io/?EIO=4&transport=websocket&sid=x HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
  'GET /socket.io/?EIO=9&transport=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
]

export const CONNECTIONS: readonly Attack[] = [
  {
    name: 'silent-sockets',
    about: 'connections that say nothing, to a server that may have 2,048 files open',
    scale: 50,
    openFiles: 2_048,
    run: async (scene) => await besiegeSockets(scene, (tcp) => void tcp.resume(), { pause: 3_000 })
  },
  { name: 'slow-headers', about: 'a byte of a request every half second', scale: 4, run: slowHeaders },
  { name: 'slow-bodies', about: 'a byte of a POST every half second', scale: 4, run: slowBodies },
  pipelining('pipelined-metrics', 'requests for /metrics, pipelined', '/metrics'),
  pipelining('pipelined-status', 'requests for the status page, pipelined', '/', 'Accept-Encoding: br, gzip\r\n'),
  pipelining('pipelined-playground', 'requests for /try, pipelined', '/try'),
  pipelining('pipelined-health', 'requests for /health, pipelined', '/health'),
  pipelining('pipelined-nothing', 'requests for what is not there, pipelined', '/nothing'),
  pipelining('pipelined-handshakes', 'handshakes of polling, pipelined', '/socket.io/?EIO=4&transport=polling'),
  pipelining(
    'pipelined-tokens',
    'wrong admin tokens, pipelined',
    '/admin/peers',
    'Authorization: Bearer wrong-token\r\n',
    {
      checksToken: true
    }
  ),
  pipelining('large-headers', 'requests with headers of 12 kB, pipelined', '/health', `X: ${'a'.repeat(12_000)}\r\n`),
  {
    name: 'malformed-requests',
    about: 'requests that are none, each on a connection of its own',
    run: async (scene) =>
      await besiegeSockets(
        scene,
        (tcp) => {
          tcp.write(MALFORMED[scene.tally.messages++ % MALFORMED.length] ?? '')
        },
        { pause: 10 }
      )
  },
  pipelining('unread-pages', 'requests for the status page whose answers are not read', '/', '', { reads: false }),
  { name: 'wrong-tokens', about: 'wrong admin tokens, one after the other', checksToken: true, run: wrongTokens },
  {
    name: 'event-pages',
    about: 'status pages that stay open',
    scale: 2,
    checksToken: true,
    run: eventPages
  },
  { name: 'polling-sessions', about: 'sessions by polling that are left at once', run: pollingSessions },
  { name: 'reconnect-churn', about: 'connections that end as soon as they are open', run: reconnect },
  { name: 'socket-churn', about: 'TCP connections that end as soon as they are open', run: socketChurn },
  {
    name: 'join-deadline',
    about: 'connections from 20 addresses that never join, all closed at the same deadline',
    scale: 80,
    addresses: 20,
    seconds: 75,
    run: deadline
  }
]
