import { InvalidOptionsError } from '@websocket-star/protocol'

/** What is needed of a socket of socket.io, a client's or a server's, of version 2, 3 or 4. */
export interface SocketLike {
  readonly connected: boolean
  emit(event: string, ...args: unknown[]): unknown
  // Each version types its events in its own way.
  // oxlint-disable-next-line typescript/no-explicit-any
  on(event: string, listener: (...args: any[]) => void): unknown
  // oxlint-disable-next-line typescript/no-explicit-any
  removeListener(event: any, listener?: any): unknown
}

/** Hears every event of a socket; @returns whether it was meant for the one who hears. */
export type EventTap = (name: string, args: readonly unknown[]) => boolean

/** What versions 3 and 4 have. */
interface AnySocket {
  onAny(listener: (name: string, ...args: unknown[]) => void): unknown
  offAny(listener: (name: string, ...args: unknown[]) => void): unknown
}

/** What version 2 has in its place; not documented there, and unchanged in its last release. */
interface EventSocket {
  onevent(packet: { data?: unknown[] }): void
}

/**
 * Hears all events of a socket with one listener, however many streams there are.
 *
 * @returns stops hearing
 * @throws {InvalidOptionsError} if it is no socket of socket.io
 */
export function tapEvents(socket: SocketLike, tap: EventTap): () => void {
  if ('onAny' in socket && typeof socket.onAny === 'function') {
    const anySocket = socket as SocketLike & AnySocket // as was just looked at
    // Whatever its types say: what a stranger sends may have a number for a name, or none.
    const listener = (name: unknown, ...args: unknown[]) => typeof name === 'string' && tap(name, args)
    anySocket.onAny(listener)
    return () => anySocket.offAny(listener)
  }
  if ('onevent' in socket && typeof socket.onevent === 'function') {
    return tapPackets(socket as SocketLike & EventSocket, tap) // as was just looked at
  }
  throw new InvalidOptionsError('socket: expected a socket of socket.io 2, 3 or 4, which has onAny or onevent')
}

function tapPackets(socket: SocketLike & EventSocket, tap: EventTap): () => void {
  // Bound, because it is the socket's prototype that has it.
  const heard = socket.onevent.bind(socket)
  const own = Object.hasOwn(socket, 'onevent')
  const before = socket.onevent
  let isHearing = true
  const listener: EventSocket['onevent'] = (packet) => {
    const [name, ...args] = packet.data ?? []
    if (!isHearing || typeof name !== 'string' || !tap(name, args)) heard(packet)
  }
  socket.onevent = listener
  return () => {
    isHearing = false
    // Someone else may have come in between since: theirs stays, and what it passes on to this goes through.
    if (socket.onevent !== listener) return
    if (own) socket.onevent = before
    else Reflect.deleteProperty(socket, 'onevent')
  }
}

/** What engine.io's sockets, of the client and of the server, have in common here. */
interface Engine {
  writeBuffer?: readonly { data?: unknown }[]
  transport?: { ws?: { bufferedAmount?: number }; socket?: { bufferedAmount?: number } }
}

/** Bytes given to a socket that have not left this process. */
export function unsentBytes(socket: SocketLike): number {
  // A client's socket leads to its engine through its manager, a server's directly.
  const { io, conn } = socket as { io?: { engine?: Engine }; conn?: Engine }
  const engine = io?.engine ?? conn
  const webSocket = engine?.transport?.ws ?? engine?.transport?.socket
  let bytes = webSocket?.bufferedAmount ?? 0
  for (const { data } of engine?.writeBuffer ?? []) {
    if (typeof data === 'string') bytes += data.length
    else if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) bytes += data.byteLength
  }
  return bytes
}
