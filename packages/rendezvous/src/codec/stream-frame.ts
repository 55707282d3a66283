import { endReason, parseAcceptOptions, parseCredit, parseStreamEventName } from '@websocket-star/protocol'
import type { UnreadablePacket } from './packet.js'
import { headSize, TEXT_OPCODE, writeHead } from './websocket-frame.js'

/** Event of a half, as a client sent it. `stream` is the half's name: `<dial id>.dialer` or `.listener`. */
export type StreamFrame =
  /** Chunk that was not exactly one binary attachment. */
  | { kind: 'bad chunk'; stream: string }
  | { kind: 'accept'; stream: string; window: number | undefined }
  | { kind: 'credit'; stream: string; bytes: number }
  | { kind: 'error'; stream: string; reason: true | string }

/** Packet that announces a chunk. */
export interface ChunkHeader {
  readonly text: string
  /** The packet as a WebSocket message, with engine.io's `4` in front. */
  readonly frame: Buffer
}

/** Header of a chunk whose attachment has not arrived yet. */
export interface QueueHeader {
  kind: 'queue header'
  stream: string
}

const QUEUE_START = '51-["socket.io-pull-stream.queue.'
const QUEUE_END = '",{"_placeholder":true,"num":0}]'
const STREAM_NAME = /^[A-Za-z0-9_~.:-]{1,137}$/
const UNREADABLE_EVENT =
  /^(?:2|5\d{1,2}-)(?:\/,)?\d*\["socket\.io-pull-stream\.(error|queue)\.([A-Za-z0-9_~.:-]{1,137})"/

/** Recognises the header of a chunk as all known clients write it, without parsing JSON. */
export function readQueueHeader(text: string): QueueHeader | undefined {
  if (!text.startsWith(QUEUE_START) || !text.endsWith(QUEUE_END)) return undefined
  const stream = text.slice(QUEUE_START.length, -QUEUE_END.length)
  return STREAM_NAME.test(stream) ? { kind: 'queue header', stream } : undefined
}

/** Reads a stream event; undefined if it is none or its credit is invalid. A chunk must have exactly one attachment. */
export function readStreamEvent(
  name: string,
  args: readonly unknown[],
  attachments: number
): StreamFrame | QueueHeader | undefined {
  const event = parseStreamEventName(name)
  if (event === undefined || !STREAM_NAME.test(event.stream)) return undefined
  const { kind, stream } = event
  switch (kind) {
    case 'queue':
      return attachments === 1 && args.length === 1 && isFirstPlaceholder(args[0])
        ? { kind: 'queue header', stream }
        : { kind: 'bad chunk', stream }
    case 'accept':
      return { kind, stream, window: parseAcceptOptions(args[0]).window }
    case 'credit': {
      const bytes = parseCredit(args[0])
      return bytes === undefined ? undefined : { kind, stream, bytes }
    }
    case 'error':
      return { kind, stream, reason: endReason(args[0]) }
  }
}

/** Reads a stream event that was too large or too deep to parse: an end, or a bad chunk. */
export function readUnreadableEvent(packet: UnreadablePacket): StreamFrame | undefined {
  const [, kind, stream] = UNREADABLE_EVENT.exec(packet.text.slice(0, 256)) ?? []
  if (stream === undefined) return undefined
  // The empty object stands for the unparsed value.
  return kind === 'error' ? { kind, stream, reason: endReason({}) } : { kind: 'bad chunk', stream }
}

/** Encodes the packet that announces a chunk. */
export function chunkHeader(stream: string): ChunkHeader {
  const text = QUEUE_START + stream + QUEUE_END
  const size = text.length + 1
  const frame = Buffer.alloc(headSize(size) + size)
  frame.write(`4${text}`, writeHead(frame, 0, TEXT_OPCODE, size), 'latin1')
  return { text, frame }
}

export function acceptText(stream: string, window: number | undefined): string {
  const options = window === undefined ? '' : `,{"window":${window}}`
  return `2["socket.io-pull-stream.accept.${stream}"${options}]`
}

export function creditText(stream: string, bytes: number): string {
  return `2["socket.io-pull-stream.credit.${stream}",${bytes}]`
}

export function errorText(stream: string, reason: true | string): string {
  return `2["socket.io-pull-stream.error.${stream}",${JSON.stringify(reason)}]`
}

function isFirstPlaceholder(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    '_placeholder' in value &&
    value._placeholder === true &&
    'num' in value &&
    value.num === 0
  )
}
