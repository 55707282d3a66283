import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping, type Ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'
import type { Received } from '../random-bytes.js'
import { EXCHANGE, exchange, receive, send } from './stream.js'

/** The dialer sends, the listener stops reading after a while. */
const HELD = '/test/held/1.0.0'

/** Milliseconds that a node waits for another: generous for a busy machine. */
const PATIENCE = 60_000

/** What a held stream has come to. */
export interface Progress {
  /** Bytes given to the stream, or taken from it. */
  bytes: number
  /** Bytes that lie in the stream: not sent, or not read. */
  waiting: number
  /** Whether it says that it must not be written to, or is not read. */
  held: boolean
}

const found = new Map<string, PeerId>()
/** Who waits for anything to happen: they all look again. */
const waiting = new Set<() => void>()
const sent = { bytes: 0, stream: undefined as Stream | undefined, refused: false }
const read = { bytes: 0, stream: undefined as Stream | undefined, all: undefined as Promise<Received> | undefined }
let node: Libp2p<{ ping: Ping }> | undefined
let served: Promise<Received> | undefined

function started(): Libp2p<{ ping: Ping }> {
  if (node === undefined) throw new Error('start has not been called')
  return node
}

function happened(): void {
  for (const look of waiting) look()
}

function until<T>(probe: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const look = (): void => {
      const value = probe()
      if (value === undefined) return
      waiting.delete(look)
      resolve(value)
    }
    waiting.add(look)
    look()
  })
}

/** What tests ask of a page whose peer is a js-libp2p node. */
export type NodePage = typeof page

const page = {
  /** @returns the peer id of a node that listens on a star */
  async start(star: string): Promise<string> {
    node = await createLibp2p({
      start: false,
      addresses: { listen: [star] },
      transports: [webSocketStar({ backoff: { initial: 20, max: 200 } })],
      connectionEncrypters: [noise()],
      // A stream that is not read is reset if more comes than its buffer holds, to which yamux's own limit pays no heed.
      streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 4_194_304 } })],
      services: { identify: identify({ timeout: PATIENCE }), ping: ping({ timeout: PATIENCE }) },
      connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY, dialTimeout: PATIENCE },
      // It ends connections whose other end answers late.
      connectionMonitor: { enabled: false },
      // In a browser private addresses are not dialled otherwise.
      connectionGater: { denyDialMultiaddr: () => false }
    })
    node.addEventListener('peer:discovery', ({ detail }) => {
      found.set(detail.id.toString(), detail.id)
      happened()
    })
    await node.start()
    return node.peerId.toString()
  },

  /** Waits for a `peer:discovery`. */
  async untilFound(id: string): Promise<void> {
    await until(() => found.get(id))
  },

  async ping(id: string): Promise<number> {
    return await started().services.ping.ping(peerIdFromString(id))
  },

  /** Where a connection to a peer leads, for each. */
  async connections(id: string): Promise<string[]> {
    return started()
      .getConnections(peerIdFromString(id))
      .map(({ remoteAddr }) => remoteAddr.toString())
  },

  /** Answers the next exchange with the bytes of a seed. */
  async serve(seed: number, bytes: number): Promise<void> {
    await started().handle(EXCHANGE, (stream) => {
      served = exchange(stream, seed, bytes)
      happened()
    })
  },

  /** What came with the exchange that this page has served. */
  async served(): Promise<Received> {
    return await (
      await until(() => served && { served })
    ).served
  },

  /** Dials by peer id. */
  async exchange(id: string, seed: number, bytes: number): Promise<Received> {
    return await exchange(await started().dialProtocol(peerIdFromString(id), EXCHANGE), seed, bytes)
  },

  /** Reads of the next held stream so many bytes, or a little more, and stops. */
  async readUpTo(bytes: number): Promise<void> {
    await started().handle(HELD, (stream) => {
      read.stream = stream
      read.all = receive(stream, (size) => {
        read.bytes += size
        if (read.bytes - size < bytes && read.bytes >= bytes) stream.pause()
      })
    })
  },

  async reading(): Promise<Progress> {
    const { bytes, stream } = read
    return { bytes, waiting: stream?.readBufferLength ?? 0, held: stream?.readStatus === 'paused' }
  },

  /** Reads on, to the end. */
  async readOn(): Promise<Received | undefined> {
    read.stream?.resume()
    return await read.all
  },

  /** Begins to send the bytes of a seed, each piece as soon as the stream takes it. */
  async flood(id: string, seed: number, bytes: number): Promise<void> {
    const stream = (sent.stream = await started().dialProtocol(peerIdFromString(id), HELD))
    void send(stream, seed, bytes, (size, full) => {
      sent.bytes += size
      sent.refused = full
    })
  },

  async sending(): Promise<Progress> {
    const { bytes, stream, refused } = sent
    return { bytes, waiting: stream?.writeBufferLength ?? 0, held: refused && stream?.writableNeedsDrain === true }
  }
}

Object.assign(globalThis, { page })
