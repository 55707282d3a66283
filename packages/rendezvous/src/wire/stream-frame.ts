import { endReason, parseAcceptOptions, parseCredit, parseStreamEventName } from '@websocket-star/protocol'
import type { UnreadablePacket } from './packet.js'

/** An event of one stream half, as a client sent it. `stream` is the name of the half: `<dial id>.dialer` or `.listener`. */
export type StreamFrame =
  /** A chunk; `payload` is undefined when what came was not exactly one binary attachment. */
  | { kind: 'queue'; stream: string; payload: Buffer | undefined }
  | { kind: 'accept'; stream: string; window: number | undefined }
  | { kind: 'credit'; stream: string; bytes: number }
  | { kind: 'error'; stream: string; reason: true | string }

/** The header of a chunk, known before its attachment has come. */
export interface QueueHeader {
  kind: 'queue header'
  stream: string
}

const QUEUE_START = '51-["socket.io-pull-stream.queue.'
const QUEUE_END = '",{"_placeholder":true,"num":0}]'
const STREAM_NAME = /^[A-Za-z0-9_~.:-]{1,137}$/
const UNREADABLE_ERROR = /^2\d*\["socket\.io-pull-stream\.error\.([A-Za-z0-9_~.:-]{1,137})"/

/** Recognises the header of a chunk as every known client writes it, without parsing JSON. */
export function readQueueHeader(text: string): QueueHeader | undefined {
  if (!text.startsWith(QUEUE_START) || !text.endsWith(QUEUE_END)) return undefined
  const stream = text.slice(QUEUE_START.length, -QUEUE_END.length)
  return STREAM_NAME.test(stream) ? { kind: 'queue header', stream } : undefined
}

/**
 * Reads a stream event from its name and arguments; undefined when it is none. An event that announced attachments
 * yields a {@link QueueHeader} if it is a chunk with exactly one.
 */
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
        : { kind, stream, payload: undefined }
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

/** The end of a stream half whose reason was too large or too deep to read: the half ends all the same. */
export function readUnreadableEnd(packet: UnreadablePacket): StreamFrame | undefined {
  const stream = UNREADABLE_ERROR.exec(packet.text.slice(0, 256))?.[1]
  // An empty object stands for the value that was not parsed: it gets the reason all such values get.
  return stream === undefined ? undefined : { kind: 'error', stream, reason: endReason({}) }
}

/** Text that announces a chunk; its attachment follows as one binary message. */
export function queueHeaderText(stream: string): string {
  return QUEUE_START + stream + QUEUE_END
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
