/**
 * Everything that we use of engine.io, ws and Node without a public name for it, in one place. A runtime or an update that
 * lacks a field loses speed, not service: messages then go through engine.io's public methods.
 */
import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket as NetSocket } from 'node:net'
import { Server as EngineServer, type Socket } from 'engine.io'
import type { WebSocket } from 'ws'
import type { Payload } from '../codec/payload.js'

/** Writes whole WebSocket frames; engine.io uses it for frames that it encoded before. */
interface FrameSender {
  sendFrame(parts: readonly Buffer[], written: (() => void) | undefined): void
}

/** The state of engine.io's heartbeat. */
export interface HeartbeatState {
  readonly readyState: string
  readonly server: { readonly opts: { readonly pingInterval: number } }
  pingTimeoutTimer: NodeJS.Timeout | null
  resetPingTimeout(): void
  sendPacket(type: 'ping'): void
}

/** Fields of ws's WebSocket. */
interface WebSocketFields {
  readonly _sender?: Partial<FrameSender>
  readonly _socket?: Partial<NetSocket>
  readonly _receiver?: { _write?: (bytes: Buffer, encoding: string, done: WriteDone) => void }
}

/** Asks for the next bytes, or tells what is wrong with the last ones. */
type WriteDone = (error?: Error | null) => void

/** The decoder of a WebSocket: a Writable, of which this is the method that takes the bytes. */
export interface FrameDecoder {
  _write(bytes: Buffer, encoding: string, done: WriteDone): void
}

/** Fields of engine.io's polling transport. */
interface PollingFields {
  readonly name: string
  readonly dataRes?: ServerResponse | null
  onData?: (payload: Payload) => void
}

/** Fields of engine.io's socket and its transport, which its types call private. */
interface SocketFields extends Partial<HeartbeatState> {
  readonly id?: unknown
  readonly upgrading?: unknown
  readonly writeBuffer?: unknown
  readonly transport: { readonly name: string; readonly supportsBinary?: unknown; readonly socket?: WebSocket }
}

/** A request after engine.io has parsed its query. */
type EngineRequest = IncomingMessage & { _query?: Record<string, string> }

// Each cast in this file turns a type with private names into one with optional fields, which are looked at before use.
function fieldsOf(socket: Socket): SocketFields {
  return socket as unknown as SocketFields
}

/** Returns the session id of the handshake, which engine.io types as private. */
export function idOf(socket: Socket): string {
  return String(fieldsOf(socket).id)
}

/** Returns the WebSocket of a client; undefined while it polls. */
export function webSocketOf(socket: Socket): WebSocket | undefined {
  const { name, socket: webSocket } = fieldsOf(socket).transport
  return name === 'websocket' ? webSocket : undefined
}

/**
 * Lists the fields that the direct way needs and that are missing at a client's WebSocket.
 *
 * @returns names such as `ws: _sender.sendFrame`; none for a client that polls
 */
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

/**
 * Returns the TCP or TLS socket below a client's WebSocket, if that can be written to and read from without engine.io;
 * undefined while the client polls, and where a field is missing.
 */
export function directSocketOf(socket: Socket): NetSocket | undefined {
  const webSocket = webSocketOf(socket)
  if (webSocket === undefined || missingFields(socket).length > 0) return undefined
  return (webSocket as unknown as { _socket: NetSocket })._socket // looked at above
}

/**
 * Writes whole frames to a WebSocket that has a direct way.
 *
 * @param parts - one or two
 * @param written - called when the operating system has taken them
 */
export function sendFrames(webSocket: WebSocket, parts: readonly Buffer[], written: (() => void) | undefined): void {
  ;(webSocket as unknown as { _sender: FrameSender })._sender.sendFrame(parts, written) // looked at when the socket opened
}

/** Returns whether a message that is written directly overtakes none that engine.io holds, and arrives as bytes. */
export function mayWriteDirectly(socket: Socket): boolean {
  const { upgrading, writeBuffer, transport } = socket as unknown as EngineWriteState // looked at when the socket opened
  return !upgrading && writeBuffer.length === 0 && transport.supportsBinary
}

interface EngineWriteState {
  readonly upgrading: boolean
  readonly writeBuffer: readonly unknown[]
  readonly transport: { readonly supportsBinary: boolean }
}

/** Takes engine.io's message listener off a WebSocket and returns it. */
export function detachMessageListener(webSocket: WebSocket): (data: Buffer, isBinary: boolean) => void {
  // Its only one, as was looked at before.
  const [listener] = webSocket.listeners('message') as [(data: Buffer, isBinary: boolean) => void]
  webSocket.removeAllListeners('message')
  return listener
}

/** Returns the decoder of a WebSocket; undefined where it cannot be reached. */
export function decoderOf(webSocket: WebSocket): FrameDecoder | undefined {
  const decoder = (webSocket as WebSocketFields)._receiver
  return typeof decoder?._write === 'function' ? (decoder as FrameDecoder) : undefined
}

/** Gets what a WebSocket receives, before its decoder. */
export interface ByteInput {
  /** @param done - called when these bytes have been processed: no more come before */
  receive(bytes: Buffer, done: WriteDone): void
  /** A ping was decoded. */
  onPing(data: Buffer): void
}

const INPUT = Symbol('input')

interface DecoderWithInput {
  [INPUT]?: ByteInput
}

// One function for all WebSockets: a closure each would be memory of every idle client.
function receiveBytes(this: DecoderWithInput, bytes: Buffer, _encoding: string, done: WriteDone): void {
  this[INPUT]?.receive(bytes, done)
}

function forwardPing(this: WebSocket, data: Buffer): void {
  inputOf(this)?.onPing(data)
}

/** Returns the input that {@link installInput} put before the decoder of a WebSocket; undefined if there is none. */
export function inputOf(webSocket: WebSocket): ByteInput | undefined {
  return ((webSocket as WebSocketFields)._receiver as DecoderWithInput | undefined)?.[INPUT]
}

/**
 * Puts an input before the decoder of a WebSocket that has just been opened. The decoder is a Writable, which keeps to the
 * order and gives no more before `done` was called.
 */
export function installInput(webSocket: WebSocket, decoder: FrameDecoder, input: ByteInput): void {
  Object.assign(decoder, { _write: receiveBytes, [INPUT]: input })
  webSocket.on('ping', forwardPing)
}

/** Hands bytes to the decoder of a WebSocket, which is done with them when this returns. */
export function decode(decoder: FrameDecoder, bytes: Buffer, done: WriteDone): void {
  const { _write: write } = Object.getPrototypeOf(decoder) as FrameDecoder
  write.call(decoder, bytes, 'buffer', done)
}

/** Frees what the decoder of a WebSocket keeps of an unfinished message: it is not to be given anything any more. */
export function freeUnfinished(webSocket: WebSocket): void {
  const receiver = (webSocket as WebSocketFields)._receiver
  if (receiver !== undefined) Object.assign(receiver, { _buffers: [], _fragments: [] })
}

/** The TCP or TLS handle below a WebSocket. */
interface ReadingHandle {
  reading?: boolean
  readStop?(): number
  readStart?(): number
}

function handleOf(webSocket: WebSocket): ReadingHandle | null | undefined {
  return (webSocket as unknown as { _socket?: { _handle?: ReadingHandle | null } | null })._socket?._handle
}

/** Leaves what comes in the operating system: a stream that is paused would read one chunk ahead. */
export function stopReading(webSocket: WebSocket): void {
  const handle = handleOf(webSocket)
  if (handle?.reading !== true) return
  handle.reading = false
  handle.readStop?.()
}

/** Reads again after {@link stopReading}. */
export function startReading(webSocket: WebSocket): void {
  const handle = handleOf(webSocket)
  if (handle?.reading !== false) return
  handle.reading = true
  handle.readStart?.()
}

/** Calls back once when the TCP socket below a WebSocket is closed. */
export function onNetClose(webSocket: WebSocket, closed: () => void): void {
  const net = (webSocket as WebSocketFields)._socket
  net?.once?.('close', closed)
}

/**
 * Puts something before the decoder of what a polling client sends.
 *
 * @param intercept - gets each body, and a way to put its answer off, which returns the way to send that
 * @returns the decoder; undefined where it cannot be reached
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

/** Puts off the end of an answer. @returns what sends it */
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

/** Returns engine.io's heartbeat of a client; undefined where a part of it is missing: engine.io then keeps its own time. */
export function heartbeatOf(socket: Socket): HeartbeatState | undefined {
  const { pingTimeoutTimer, resetPingTimeout, sendPacket, server } = fieldsOf(socket)
  const isWhole =
    pingTimeoutTimer !== undefined &&
    typeof resetPingTimeout === 'function' &&
    typeof sendPacket === 'function' &&
    typeof server?.opts.pingInterval === 'number'
  return isWhole ? (socket as unknown as HeartbeatState) : undefined
}

/** Returns the bytes that Node has handed to the operating system and that it has not sent; undefined if it does not tell. */
export function writeQueueSize(net: NetSocket): number | undefined {
  return (net as unknown as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize
}

/** Returns the TCP socket below a TLS socket. */
export function tcpSocketOf(tls: object): NetSocket | undefined {
  return (tls as { _parent?: NetSocket })._parent
}

/** Frees the first request of a client, which engine.io keeps for as long as the session lasts. */
export function forgetRequest(socket: Socket): void {
  Object.assign(socket, { request: undefined })
}

/**
 * Admits the largest message as base64 from a client that polls. Such clients send several messages at a time and add up
 * what the server has told them, but engine.io-client counts 1.33 characters for what takes 4/3 of them, and a single
 * message of the largest size takes as much.
 */
export function admitBase64({ transport }: Socket, messageSize: number): void {
  if (transport.name !== 'polling') return
  Object.assign(transport, { maxHttpBufferSize: Math.ceil((messageSize * 4) / 3) + 1 })
}

/** Fields of engine.io's server, which its types call private. */
interface WebSocketEngine {
  readonly ws?: { readonly options?: object }
  onWebSocket(request: IncomingMessage, socket: unknown, webSocket: WebSocket): void
}

/** engine.io, with the packet that the old server sent to clients of revision 3. */
export class StarEngine extends EngineServer {
  /**
   * Lets something see each WebSocket before it is read from, and bounds what one may leave unfinished.
   *
   * @param maxFragments - of one message
   */
  watchWebSockets(maxFragments: number, opened: (webSocket: WebSocket, request: IncomingMessage) => void): void {
    const engine = this as unknown as WebSocketEngine
    Object.assign(engine.ws?.options ?? {}, { maxFragments, autoPong: false })
    const open = engine.onWebSocket
    engine.onWebSocket = (request, socket, webSocket) => {
      opened(webSocket, request)
      open.call(this, request, socket, webSocket)
    }
  }

  /** Called right before a session opens: clients of revision 3 get their CONNECT packet with the handshake. */
  protected override createTransport(
    ...[name, request]: Parameters<EngineServer['createTransport']>
  ): ReturnType<EngineServer['createTransport']> {
    // By now the request has its query.
    this.opts.initialPacket = (request as EngineRequest)._query?.['EIO'] === '4' ? undefined : '0'
    return super.createTransport(name, request)
  }

  /**
   * The only middleware is that of CORS, which does not concern WebSockets. The response that engine.io makes for an upgrade
   * lasts as long as the connection: without its request it is small.
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
