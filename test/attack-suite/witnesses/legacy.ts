import { BINARY, connectRaw, openDial, RawPeer, TEXT } from '@websocket-star/testkit'
import { createIdentity } from '../../support/raw-identity.js'
import { Delays } from './delays.js'
import { MESSAGE_SIZE, messageOf, type Pair, type Place } from './pair.js'

const HEARTBEAT = 10_000
/** Milliseconds after which what nobody reads is forgotten. */
const FORGET = 1_000
/** The byte that engine.io 3 sends before the bytes of a message. */
const MESSAGE = 4

/** Joins as socket.io 2 clients do. */
export async function joinLegacy(name: string, { url, prefix, from, lost }: Place): Promise<RawPeer> {
  const peer = await connectRaw(url, { heartbeat: HEARTBEAT, isRecorded: false, localAddress: from })
  void peer.wire.closed.then(({ code, reason }) => lost(`${name}: ${code} ${reason}`.trim()))
  await peer.join(await createIdentity(), prefix)
  return peer
}

export async function openLegacyPair(near: Place, far: Place): Promise<Pair> {
  const dialer = await joinLegacy('legacy dialer', near)
  const listener = await joinLegacy('legacy listener', far)
  const { near: connection } = await openDial(dialer, listener)
  const delays = new Delays()
  listener.webSocket.filter((opcode, bytes, start, end) => {
    if (opcode === TEXT) return bytes[start + 1] === 0x35 // the header of a chunk: 45…
    if (opcode !== BINARY || bytes[start] !== MESSAGE || end - start !== MESSAGE_SIZE + 1) return false
    delays.arrived(bytes.readUInt32BE(start + 1))
    return true
  })
  const forget = (): void => {
    dialer.forget()
    listener.forget()
  }
  setInterval(forget, FORGET)
  return {
    delays,
    beat: () => {
      if (!dialer.isClosed) connection.write(messageOf(delays.send()))
    }
  }
}

/** Joins and takes each dial, as legacy clients do. */
export async function openTaker(name: string, place: Place): Promise<RawPeer> {
  const peer = await joinLegacy(name, place)
  peer.webSocket.filter((opcode, bytes, start, end) => {
    if (opcode !== TEXT) return false
    const text = bytes.toString('utf8', start, Math.min(end, start + 400))
    const [, ack = '', id] = /^42(\d+)\["ss-incomming","([^"]+)"/.exec(text) ?? []
    if (id === undefined) return false
    peer.send(`42["socket.io-pull-stream.accept.${id}.dialer"]`, `43${ack}[]`)
    return true
  })
  return peer
}
