import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { installApart } from '@websocket-star/testkit/processes'
import { randomPeerId } from '../../wire/peer-id.js'
import type { Incoming, OpenPeer, Outgoing } from './peer.js'
import { Receipts } from './receipts.js'

/** What `libp2p-websocket-star` 0.10.2 stands on; newer ones of socket.io do not talk to the legacy server. */
const LEGACY_CLIENT_PACKAGES = ['socket.io-client@2.5.0', 'socket.io-pull-stream@0.1.5']

export function legacyClientModules(): Promise<string> {
  return installApart('legacy-client', LEGACY_CLIENT_PACKAGES)
}

/** How a pull-stream ends: `true` is the normal end. */
type End = true | Error | string
type Read = (end: End | null, bytes?: Buffer) => void
type Source = (abort: End | null, read: Read) => void
type Sink = (source: Source) => void

/** What is used of a socket of socket.io-client 2 to which streams were added. */
interface LegacySocket {
  on(event: string, listener: (...args: never[]) => void): void
  emit(event: string, ...args: unknown[]): void
  createSource(id: string): Source
  createSink(id: string): Sink
}

/** Pieces that are given at a stretch: the library calls itself for each. */
const BURST = 256

/** A peer as `libp2p-websocket-star` makes it, without the parts that only look for peers. */
export const legacy: OpenPeer = async ({ server, modules, size }) => {
  const load = createRequire(join(modules, 'package.json'))
  const connect = load('socket.io-client') as (url: string, options: object) => LegacySocket
  const addStreams = load('socket.io-pull-stream') as (socket: LegacySocket, options: object) => void
  const socket = connect(server, { transports: ['websocket'], 'force new connection': true })
  addStreams(socket, { codec: 'buffer' })
  await new Promise<void>((resolve) => socket.on('connect', resolve))
  const address = `/ip4/127.0.0.1/tcp/${new URL(server).port}/ws/p2p-websocket-star/ipfs/${randomPeerId()}`
  const incoming = new Promise<Incoming>((resolve) => {
    socket.on('ss-incomming', (id: string, _from: string, answer: () => void) => {
      const source = socket.createSource(`${id}.dialer`)
      const sink = socket.createSink(`${id}.listener`)
      answer()
      resolve(incomingOf(source, sink, new Receipts(size)))
    })
  })
  await request(socket, 'ss-join', address, '')
  const dial = async (to: string) => {
    const id = randomUUID()
    const sink = socket.createSink(`${id}.dialer`)
    await request(socket, 'ss-dial', address, to, id)
    return outgoingOf(sink, socket.createSource(`${id}.listener`), new Receipts(size))
  }
  return { address, incoming, dial }
}

function request(socket: LegacySocket, event: string, ...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.emit(event, ...args, (error: string | null | undefined) => {
      if (error === null || error === undefined) resolve()
      else reject(new Error(`the server answered ${event} with: ${error}`))
    })
  })
}

/** @param back - what the receipts come over */
function outgoingOf(sink: Sink, back: Source, receipts: Receipts): Outgoing {
  let acknowledged = 0
  let onReceipt = () => {}
  const take: Read = (end, bytes) => {
    if (end !== null) return
    acknowledged += receipts.bytesOf(bytes?.length ?? 0)
    onReceipt()
    back(null, take)
  }
  back(null, take)
  return {
    send: (supply) =>
      new Promise((resolve) => {
        let waiting: Read | undefined
        let burst = 0
        const answer = (): void => {
          if (waiting === undefined || supply.given - acknowledged >= receipts.window || burst === BURST) return
          const read = waiting
          waiting = undefined
          const piece = supply.next()
          if (piece === undefined) {
            read(true)
            return resolve()
          }
          if (burst++ === 0) {
            setImmediate(() => {
              burst = 0
              answer()
            })
          }
          read(null, Buffer.from(piece.buffer, piece.byteOffset, piece.length))
        }
        onReceipt = answer
        sink((abort, read) => {
          if (abort !== null) throw new Error(`the stream was ended: ${String(abort)}`)
          waiting = read
          answer()
        })
      })
  }
}

/** @param back - what the receipts go over */
function incomingOf(source: Source, back: Sink, receipts: Receipts): Incoming {
  return {
    receive: (take) => {
      let waiting: Read | undefined
      const acknowledge = (): void => {
        const bytes = waiting === undefined ? undefined : receipts.take()
        if (bytes === undefined) return
        const read = waiting
        waiting = undefined
        read?.(null, Buffer.from(bytes))
      }
      back((_abort, read) => {
        waiting = read
        acknowledge()
      })
      return new Promise((resolve, reject) => {
        const read: Read = (end, bytes) => {
          if (end !== null) return end === true ? resolve() : reject(new Error(`the stream ended: ${String(end)}`))
          if (bytes !== undefined) {
            take(bytes)
            receipts.received(bytes.length)
            acknowledge()
          }
          source(null, read)
        }
        source(null, read)
      })
    }
  }
}
