import { InvalidOptionsError } from '@websocket-star/protocol'

/** Members used of a socket.io socket: a client's or a server's, of version 2, 3 or 4. */
export interface SocketLike {
  readonly connected: boolean
  emit(event: string, ...args: unknown[]): unknown
  // The versions type their events differently.
  // oxlint-disable-next-line typescript/no-explicit-any
  on(event: string, listener: (...args: any[]) => void): unknown
  // oxlint-disable-next-line typescript/no-explicit-any
  removeListener(event: any, listener?: any): unknown
}

/** Receives every event of a socket. @returns whether the event belonged to a stream */
export type EventTap = (name: string, args: readonly unknown[]) => boolean

/** Versions 3 and 4. */
interface CatchAllSocket {
  onAny(listener: (name: string, ...args: unknown[]) => void): unknown
  offAny(listener: (name: string, ...args: unknown[]) => void): unknown
}

/** Version 2: an undocumented method, unchanged up to its last release. */
interface PacketSocket {
  onevent(packet: { data?: unknown[] }): void
}

/**
 * Attaches one listener for all events of a socket, and returns a function that detaches it.
 *
 * @throws {InvalidOptionsError} if the object is no socket.io socket
 */
export function tapEvents(socket: SocketLike, tap: EventTap): () => void {
  if ('onAny' in socket && typeof socket.onAny === 'function') {
    const catchAllSocket = socket as SocketLike & CatchAllSocket // checked above
    // Contrary to the types, a remote peer can send a number as the name, or none.
    const listener = (name: unknown, ...args: unknown[]) => typeof name === 'string' && tap(name, args)
    catchAllSocket.onAny(listener)
    return () => catchAllSocket.offAny(listener)
  }
  if ('onevent' in socket && typeof socket.onevent === 'function') {
    return tapPackets(socket as SocketLike & PacketSocket, tap) // checked above
  }
  throw new InvalidOptionsError('socket: expected a socket of socket.io 2, 3 or 4, which has onAny or onevent')
}

/** Returns whether others handle an event of a stream: listeners of its name, or `socket.io-pull-stream`, which adds a `sioplog`. */
export function hasOtherListeners(socket: SocketLike, name: string): boolean {
  const { listeners } = socket as { listeners?(name: string): unknown[] } // an emitter of any version
  return 'sioplog' in socket || (listeners?.call(socket, name).length ?? 0) > 0
}

function tapPackets(socket: SocketLike & PacketSocket, tap: EventTap): () => void {
  const original = socket.onevent
  const isOwnProperty = Object.hasOwn(socket, 'onevent')
  let isAttached = true
  const listener: PacketSocket['onevent'] = (packet) => {
    const [name, ...args] = packet.data ?? []
    if (!isAttached || typeof name !== 'string' || !tap(name, args)) original.call(socket, packet)
  }
  socket.onevent = listener
  return () => {
    isAttached = false
    // Another library may have wrapped this listener: leave its wrapper in place, and pass everything through.
    if (socket.onevent !== listener) return
    if (isOwnProperty) socket.onevent = original
    else Reflect.deleteProperty(socket, 'onevent')
  }
}

/** Options of version 4 that keep every packet: a server's, and a client's. */
interface KeepingSocket {
  nsp?: { server?: { opts?: { connectionStateRecovery?: unknown } } }
  _opts?: { retries?: unknown }
}

/**
 * Returns the flags to set before an event so that a socket of version 4 does not keep it for a later connection, which streams do not
 * survive; undefined if it keeps none.
 */
export function transientFlags(socket: SocketLike): object | undefined {
  const { nsp, _opts } = socket as KeepingSocket
  // A flag that is set, though to false, tells adapters not to keep the event, but also to send it.
  if (nsp?.server?.opts?.connectionStateRecovery) return { volatile: false, local: true }
  // Else the client would send one event at a time, and wait for an acknowledgement that no stream sends.
  if (_opts?.retries) return { fromQueue: true }
  return undefined
}

/** Members that engine.io's client and server sockets have in common. */
interface EngineSocket {
  writeBuffer?: readonly { data?: unknown }[]
  transport?: { ws?: { bufferedAmount?: number }; socket?: { bufferedAmount?: number } }
}

/** Returns the bytes queued for a socket that have not left this process. */
export function unsentBytes(socket: SocketLike): number {
  // A client's socket has its engine behind `io`, the manager; a server's has it as `conn`.
  const { io, conn } = socket as { io?: { engine?: EngineSocket }; conn?: EngineSocket }
  const engine = io?.engine ?? conn
  const webSocket = engine?.transport?.ws ?? engine?.transport?.socket
  let bytes = webSocket?.bufferedAmount ?? 0
  for (const { data } of engine?.writeBuffer ?? []) {
    if (typeof data === 'string') bytes += data.length
    else if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) bytes += data.byteLength
    else if (data instanceof Blob) bytes += data.size
  }
  return bytes
}
