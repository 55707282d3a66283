/**
 * All private fields of engine.io, ws and Node that we use. If a runtime or a new version lacks one of them, messages go through
 * engine.io's public methods, which are slower.
 */
import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket as NetSocket } from 'node:net'
import { Server as EngineServer, type Socket } from 'engine.io'
import type { WebSocket } from 'ws'
import type { Payload } from '../codec/payload.js'

interface FrameSender {
  sendFrame(parts: readonly Buffer[], written: (() => void) | undefined): void
}

/** State of engine.io's heartbeat. */
export interface HeartbeatState {
  readonly readyState: string
  readonly server: { readonly opts: { readonly pingInterval: number } }
  pingTimeoutTimer: NodeJS.Timeout | null
  resetPingTimeout(): void
  sendPacket(type: 'ping'): void
}

interface WebSocketFields {
  readonly _sender?: Partial<FrameSender>
  readonly _socket?: Partial<NetSocket>
  readonly _receiver?: { _write?: (bytes: Buffer, encoding: string, done: WriteDone) => void }
}

/** Requests the next bytes, or reports an error in the last ones. */
type WriteDone = (error?: Error | null) => void

/** Decoder of a WebSocket: a Writable, of which only this method is used. */
export interface FrameDecoder {
  _write(bytes: Buffer, encoding: string, done: WriteDone): void
}

interface PollingFields {
  readonly name: string
  readonly dataRes?: ServerResponse | null
  onData?: (payload: Payload) => void
}

/** Private fields of engine.io's socket and its transport. */
interface SocketFields extends Partial<HeartbeatState> {
  readonly id?: unknown
  readonly upgrading?: unknown
  readonly writeBuffer?: unknown
  readonly transport: { readonly name: string; readonly supportsBinary?: unknown; readonly socket?: WebSocket }
}

/** Request whose query engine.io has parsed. */
type EngineRequest = IncomingMessage & { _query?: Record<string, string> }

// Casts in this file turn types with private fields into types with optional ones, which are checked before use.
function fieldsOf(socket: Socket): SocketFields {
  return socket as unknown as SocketFields
}

/** Returns the session id of the handshake. */
export function idOf(socket: Socket): string {
  return String(fieldsOf(socket).id)
}

/** Returns the WebSocket of a client; undefined while it polls. */
export function webSocketOf(socket: Socket): WebSocket | undefined {
  const { name, socket: webSocket } = fieldsOf(socket).transport
  return name === 'websocket' ? webSocket : undefined
}

/** Lists fields that direct writes need and a client's WebSocket lacks, such as `ws: _sender.sendFrame`. */
export function missingFields(socket: Socket): string[] {
  const webSocket = webSocketOf(socket)
  if (webSocket === undefined) return []
  const { upgrading, writeBuffer, transport } = fieldsOf(socket)
  const { _sender: sender, _socket: net, _receiver: receiver } = webSocket as WebSocketFields
  const checks: readonly [name: string, isThere: boolean][] = [
    ['ws: _sender.sendFrame', typeof sender?.sendFrame === 'function'],
    ['ws: _socket.cork', typeof net?.cork === 'function' && typeof net.writableCorked === 'number'],
    ['ws: _receiver._write', typeof receiver?._write === 'function'],
    ['ws: pause', typeof webSocket.pause === 'function'],
    ['engine.io: writeBuffer', Array.isArray(writeBuffer)],
    ['engine.io: upgrading', typeof upgrading === 'boolean'],
    ['engine.io: transport.supportsBinary', typeof transport.supportsBinary === 'boolean'],
    ['engine.io: one message listener', webSocket.listenerCount('message') === 1]
  ]
  return checks.filter(([, isThere]) => !isThere).map(([name]) => name)
}

/** Returns the TCP or TLS socket below a WebSocket that can be written directly; undefined if it cannot. */
export function directSocketOf(socket: Socket): NetSocket | undefined {
  const webSocket = webSocketOf(socket)
  if (webSocket === undefined || missingFields(socket).length > 0) return undefined
  return (webSocket as unknown as { _socket: NetSocket })._socket // checked above
}

/** Writes whole frames to a WebSocket with a direct path. `written` is called when the system has accepted them. */
export function sendFrames(webSocket: WebSocket, parts: readonly Buffer[], written: (() => void) | undefined): void {
  ;(webSocket as unknown as { _sender: FrameSender })._sender.sendFrame(parts, written) // checked when it opened
}

/** Returns whether to write directly now: engine.io has nothing queued, and the client takes binary messages. */
export function mayWriteDirectly(socket: Socket): boolean {
  const { upgrading, writeBuffer, transport } = socket as unknown as EngineWriteState // checked when it opened
  return !upgrading && writeBuffer.length === 0 && transport.supportsBinary
}

interface EngineWriteState {
  readonly upgrading: boolean
  readonly writeBuffer: readonly unknown[]
  readonly transport: { readonly supportsBinary: boolean }
}

/** Detaches engine.io's message listener from a WebSocket and returns it. */
export function detachMessageListener(webSocket: WebSocket): (data: Buffer, isBinary: boolean) => void {
  // The only one: see {@link missingFields}.
  const [listener] = webSocket.listeners('message') as [(data: Buffer, isBinary: boolean) => void]
  webSocket.removeAllListeners('message')
  return listener
}

/** Returns the decoder of a WebSocket; undefined if the runtime hides it. */
export function decoderOf(webSocket: WebSocket): FrameDecoder | undefined {
  const decoder = (webSocket as WebSocketFields)._receiver
  return typeof decoder?._write === 'function' ? (decoder as FrameDecoder) : undefined
}

/** Receives the bytes of a WebSocket in place of its decoder. */
export interface ByteInput {
  /** @param done - to be called when the bytes have been processed. Only then more bytes arrive */
  receive(bytes: Buffer, done: WriteDone): void
  /** Called for each decoded ping. */
  onPing(data: Buffer): void
}

const INPUT = Symbol('input')

interface DecoderWithInput {
  [INPUT]?: ByteInput
}

// Shared by all WebSockets, since closures would cost memory for each idle client.
function receiveBytes(this: DecoderWithInput, bytes: Buffer, _encoding: string, done: WriteDone): void {
  this[INPUT]?.receive(bytes, done)
}

function forwardPing(this: WebSocket, data: Buffer): void {
  inputOf(this)?.onPing(data)
}

/** Returns the input that {@link installInput} installed on a WebSocket; undefined if there is none. */
export function inputOf(webSocket: WebSocket): ByteInput | undefined {
  return ((webSocket as WebSocketFields)._receiver as DecoderWithInput | undefined)?.[INPUT]
}

/** Installs an input before the decoder of a newly opened WebSocket. The decoder, a Writable, passes it one piece at a time. */
export function installInput(webSocket: WebSocket, decoder: FrameDecoder, input: ByteInput): void {
  Object.assign(decoder, { _write: receiveBytes, [INPUT]: input })
  webSocket.on('ping', forwardPing)
}

/** Decodes bytes synchronously. */
export function decode(decoder: FrameDecoder, bytes: Buffer, done: WriteDone): void {
  const { _write: write } = Object.getPrototypeOf(decoder) as FrameDecoder
  write.call(decoder, bytes, 'buffer', done)
}

/** Frees the unfinished message in a WebSocket's decoder. The decoder must not be used afterwards. */
export function freeUnfinished(webSocket: WebSocket): void {
  const receiver = (webSocket as WebSocketFields)._receiver
  if (receiver !== undefined) Object.assign(receiver, { _buffers: [], _fragments: [] })
}

/** TCP or TLS handle below a WebSocket. */
interface ReadingHandle {
  reading?: boolean
  readStop?(): number
  readStart?(): number
}

function handleOf(webSocket: WebSocket): ReadingHandle | null | undefined {
  return (webSocket as unknown as { _socket?: { _handle?: ReadingHandle | null } | null })._socket?._handle
}

/** Leaves further data in the kernel. Pausing the stream would not suffice: it would still read one chunk ahead. */
export function stopReading(webSocket: WebSocket): void {
  const handle = handleOf(webSocket)
  if (handle?.reading !== true) return
  handle.reading = false
  handle.readStop?.()
}

export function startReading(webSocket: WebSocket): void {
  const handle = handleOf(webSocket)
  if (handle?.reading !== false) return
  handle.reading = true
  handle.readStart?.()
}

/** Calls back once when the TCP socket below a WebSocket closes. */
export function onNetClose(webSocket: WebSocket, closed: () => void): void {
  const net = (webSocket as WebSocketFields)._socket
  net?.once?.('close', closed)
}

/**
 * Intercepts the request bodies of a polling client.
 *
 * @param intercept - gets each body, and a function that defers the response and returns a function that sends it
 * @returns the original decoder; undefined if the runtime hides it
 */
export function interceptPayloads(
  { transport }: Socket,
  intercept: (payload: Payload, defer: () => () => void) => void
): ((payload: Payload) => void) | undefined {
  const polling = transport as unknown as PollingFields
  const decode = polling.onData
  if (polling.name !== 'polling' || typeof decode !== 'function') return undefined
  polling.onData = (payload) => intercept(payload, () => deferResponse(polling.dataRes))
  return (payload) => decode.call(polling, payload)
}

/** Defers the end of a response. @returns the function that sends it */
function deferResponse(response: ServerResponse | null | undefined): () => void {
  if (!response) return () => {}
  const end = response.end.bind(response)
  let body: string | undefined
  response.end = (...[text]: unknown[]) => {
    body = String(text)
    return response
  }
  return () => {
    Object.assign(response, { end })
    if (body !== undefined) end(body)
  }
}

/** Returns the state of a client's heartbeat; undefined if a field is missing. Then engine.io's timeouts apply. */
export function heartbeatOf(socket: Socket): HeartbeatState | undefined {
  const { pingTimeoutTimer, resetPingTimeout, sendPacket, server } = fieldsOf(socket)
  const isWhole =
    pingTimeoutTimer !== undefined &&
    typeof resetPingTimeout === 'function' &&
    typeof sendPacket === 'function' &&
    typeof server?.opts.pingInterval === 'number'
  return isWhole ? (socket as unknown as HeartbeatState) : undefined
}

/** Returns the bytes that the operating system has not accepted from Node yet; undefined if the runtime hides them. */
export function writeQueueSize(net: NetSocket): number | undefined {
  return (net as unknown as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize
}

export function tcpSocketOf(tls: object): NetSocket | undefined {
  return (tls as { _parent?: NetSocket })._parent
}

/** Frees the first request of a client, which engine.io keeps as long as the session. */
export function forgetRequest(socket: Socket): void {
  Object.assign(socket, { request: undefined })
}

/**
 * Admits the largest message in base64 from a polling client. engine.io-client batches messages up to the announced
 * size, but counts 1.33 characters where base64 needs 4/3.
 */
export function admitBase64({ transport }: Socket, messageSize: number): void {
  if (transport.name !== 'polling') return
  Object.assign(transport, { maxHttpBufferSize: Math.ceil((messageSize * 4) / 3) + 1 })
}

/**
 * Sets the maximum request body that engine.io announces to polling clients. Clients of revision 4 gather messages up to this size.
 */
export function announcePayload(server: EngineServer, bytes: number): void {
  // This does not change what is accepted: WebSockets have their limit already, and {@link admitBase64} sets that of polling.
  server.opts.maxHttpBufferSize = bytes
}

/** Private fields of engine.io's server. */
interface WebSocketEngine {
  readonly ws?: { readonly options?: object }
  onWebSocket(request: IncomingMessage, socket: unknown, webSocket: WebSocket): void
}

/** engine.io, with the handshake packet that the old server sent to revision 3. */
export class StarEngine extends EngineServer {
  /** Reports each WebSocket before it is read, and limits the fragments of one message. */
  watchWebSockets(maxFragments: number, opened: (webSocket: WebSocket, request: IncomingMessage) => void): void {
    const engine = this as unknown as WebSocketEngine
    Object.assign(engine.ws?.options ?? {}, { maxFragments, autoPong: false })
    const open = engine.onWebSocket
    engine.onWebSocket = (request, socket, webSocket) => {
      opened(webSocket, request)
      open.call(this, request, socket, webSocket)
    }
  }

  /** Runs right before a session opens. Adds the CONNECT packet to the handshake of clients of revision 3. */
  protected override createTransport(
    ...[name, request]: Parameters<EngineServer['createTransport']>
  ): ReturnType<EngineServer['createTransport']> {
    // The query has been parsed by now.
    this.opts.initialPacket = (request as EngineRequest)._query?.['EIO'] === '4' ? undefined : '0'
    return super.createTransport(name, request)
  }

  /**
   * Skips the middleware for WebSockets: it only adds CORS headers. Also removes the request from the response to an upgrade. The
   * response lives as long as the connection, and would keep the request in memory.
   */
  protected override _applyMiddlewares(
    ...[request, response, proceed]: Parameters<EngineServer['_applyMiddlewares']>
  ): ReturnType<EngineServer['_applyMiddlewares']> {
    if (response instanceof ServerResponse) {
      super._applyMiddlewares(request, response, proceed)
    } else {
      Object.assign(response, { req: undefined })
      proceed()
    }
  }
}
