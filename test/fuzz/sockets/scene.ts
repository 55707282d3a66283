import { randomBytes } from 'node:crypto'
import {
  connectRaw,
  eventually,
  openDial,
  within,
  type RawConnection,
  type RawOptions,
  type RawPeer
} from '@websocket-star/testkit'
import { readProcUsage } from '@websocket-star/testkit/processes'
import { StarProcess } from '../../support/star-process.js'
import { Identity } from './identities.js'
import { play, type Stage } from './player.js'
import type { Transcript } from './transcript.js'

type Kind = Transcript['server']

const ADMIN_TOKEN = 'fuzz'.repeat(4)
/** Clients that poll and go without a word are missed by their heartbeat alone. */
const HEARTBEAT = ['--heartbeat-interval', '2000', '--heartbeat-timeout', '6000', '--admin-token', ADMIN_TOKEN]
const FLAGS: Readonly<Record<Kind, readonly string[]>> = {
  default: HEARTBEAT,
  lax: [...HEARTBEAT, '--disable-crypto-challenge', '--disable-strict-multiaddr', '--trust-proxy', 'loopback']
}

/** Milliseconds that `/health` may take, and a chunk of the pair: the machine may be busy with something else. */
const HEALTH_PATIENCE = 10_000
const RELAY_PATIENCE = 30_000
/** Milliseconds that gauges have to go back. */
const SETTLE_PATIENCE = 40_000
/** Bytes that a server may hold. */
const RSS_MAX = 600_000_000
/** Bytes of the chunks of a check. */
const SIZES = [0, 1, 17, 1_024, 70_000]
/** Chunks that a check relays. */
export const CHUNKS_PER_CHECK = 2 * SIZES.length

/** What is left when nobody else is connected: the pair with its dial, and the peer that takes dials. */
const AT_REST: Readonly<Record<string, number>> = {
  rendezvous_sessions: 3,
  rendezvous_peers: 3,
  rendezvous_streams: 2,
  rendezvous_buffered_bytes: 0,
  rendezvous_paused_senders: 0,
  rendezvous_pending_challenges: 0,
  rendezvous_waiting: 0
}

/** A server in a process of its own, and three peers that keep to the rules. */
export class Scene implements AsyncDisposable {
  readonly kind: Kind
  readonly stage: Stage
  readonly process: StarProcess
  peakBytes = 0
  /** Bytes it held when it was last looked at. */
  lastBytes = 0
  /** Milliseconds of the slowest answer of `/health`. */
  slowest = 0
  /** Its figures when it last settled. */
  metrics: ReadonlyMap<string, number> = new Map()
  readonly #peers: readonly RawPeer[]
  readonly #near: RawConnection
  readonly #far: RawConnection

  private constructor(
    kind: Kind,
    process: StarProcess,
    peers: readonly RawPeer[],
    near: RawConnection,
    far: RawConnection
  ) {
    this.kind = kind
    this.process = process
    this.#peers = peers
    this.#near = near
    this.#far = far
    const peer = peers[2]?.address ?? ''
    this.stage = { port: process.port, prefix: process.multiaddr, peer }
  }

  static async start(kind: Kind): Promise<Scene> {
    const process = await StarProcess.start({ flags: FLAGS[kind], env: { NODE_OPTIONS: '--trace-warnings' } })
    const join = async (name: string, options: RawOptions): Promise<RawPeer> => {
      const peer = await connectRaw(process.url, { ...options, isRecorded: false })
      await peer.join(new Identity(name), process.multiaddr)
      return peer
    }
    const near = await join('near', { eio: '3', heartbeat: 1_000 })
    const far = await join('far', { eio: '4' })
    const taker = await join('taker', { eio: '4' })
    const dial = await openDial(near, far)
    takeDials(taker)
    return new Scene(kind, process, [near, far, taker], dial.near, dial.far)
  }

  async play(transcript: Transcript): Promise<number> {
    return await play(transcript, this.stage)
  }

  /** Looks whether the server is well while it is at work. @throws what is wrong */
  async check(): Promise<void> {
    this.#lookAtLog()
    const begin = performance.now()
    const response = await within('/health', fetch(`${this.process.url}/health`), HEALTH_PATIENCE)
    await response.arrayBuffer()
    this.slowest = Math.max(this.slowest, performance.now() - begin)
    if (response.status !== 200) throw new Error(`/health answers ${response.status}`)
    const { rss } = readProcUsage(this.process.pid)
    this.lastBytes = rss
    this.peakBytes = Math.max(this.peakBytes, rss)
    if (rss > RSS_MAX) throw new Error(`the server holds ${rss} bytes`)
    await within('bytes that the pair relays', this.#relay(), RELAY_PATIENCE)
  }

  /** Waits until everybody else is gone, and nothing of them is left. @throws what is wrong */
  async settle(): Promise<void> {
    await this.check()
    let left = ''
    try {
      await eventually(
        'all to be gone',
        async () => {
          const metrics = await this.process.metrics()
          this.metrics = metrics
          left = Object.entries(AT_REST)
            .filter(([name, value]) => metrics.get(name) !== value)
            .map(([name]) => `${name} ${metrics.get(name)}`)
            .join(', ')
          return left === ''
        },
        SETTLE_PATIENCE
      )
    } catch (cause) {
      throw new Error(`when all are gone there are ${left}`, { cause })
    }
    await this.check()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.wire.close()
    await this.process[Symbol.asyncDispose]()
  }

  async #relay(): Promise<void> {
    for (const peer of this.#peers) peer.unread.length = 0
    await Promise.all([relay(this.#near, this.#far), relay(this.#far, this.#near)])
  }

  /** A fault that was caught is one too; and the last words of a process that has ended. */
  #lookAtLog(): void {
    for (const line of this.process.log) {
      if (!line.startsWith('{') || line.includes('"level":50') || line.includes('"level":60')) {
        throw new Error(
          `the server logged:\n${this.process.log.slice(this.process.log.indexOf(line)).join('\n').slice(0, 4_000)}`
        )
      }
    }
  }
}

/** Sends random chunks and compares what comes, byte for byte. */
async function relay(from: RawConnection, to: RawConnection): Promise<void> {
  to.chunks.length = 0
  const sent = SIZES.map((size) => randomBytes(size))
  from.write(...sent)
  const received = await to.received(sent.length)
  const isSame = received.length === sent.length && received.every((chunk, index) => sent[index]?.equals(chunk))
  if (!isSame) throw new Error('the pair got other bytes than were sent')
}

/** Takes each dial and says how much may be sent; once it may, it says something itself. Then it leaves the dial alone. */
function takeDials(peer: RawPeer): void {
  peer.webSocket.filter((_opcode, bytes, start, end) => {
    const text = bytes.toString('latin1', start, Math.min(end, start + 400))
    const [, ack, id = ''] = /^42(\d+)\["ss-incomming","([^"]+)"/.exec(text) ?? []
    if (ack !== undefined) {
      peer.emit(`socket.io-pull-stream.accept.${id}.dialer`, ...(Number(ack) % 2 === 0 ? [{ window: 100_000 }] : []))
      peer.send(`43${ack}[]`)
      return true
    }
    const [, half] = /^42\["socket\.io-pull-stream\.accept\.([^"]+)"/.exec(text) ?? []
    if (half === undefined) return false
    peer.send(`451-["socket.io-pull-stream.queue.${half}",{"_placeholder":true,"num":0}]`, Buffer.from('hello'))
    return true
  })
}
