import { ADDRESS_MAX_LENGTH } from './address.js'

/** The version of the extensions described here. 1 is the legacy protocol, which has no place to say so. */
export const EXTENSIONS_VERSION = 2

/**
 * What a client wants to hear of others: batched deltas (`ss-peers`), the legacy announcements (`ws-peer`, all or a
 * rotating window every 10 s), or nothing.
 */
export type PeersWanted = 'deltas' | 'windows' | 'none'

/** Sent with socket.io's CONNECT packet by clients that know the extensions (protocol revision 5 only). */
export interface ConnectRequest {
  websocketStar: { version: number; peers: PeersWanted }
}

/**
 * What a server that knows the extensions answers CONNECT with; a legacy server sends no `websocketStar`. Ours tells of
 * the limits `messageSize` (bytes of one message from a client) and `streamsPerSession` (stream halves that one
 * connection may have open; a dial has two). A client takes none of them for granted.
 */
export interface ConnectAnswer {
  sid: string
  websocketStar: { version: number; limits: Readonly<Record<string, number>> }
}

/**
 * `ss-peers`: what changed since the last one, in canonical addresses, under the prefix the client joined with. With
 * `full`, `joined` replaces all that was known. A long list comes in parts: the first is `full`, each says in `more`
 * whether others follow, and after the last one whoever no part has named, and no batch between them, is gone. An address
 * may be told that is known already, or left that is not: neither means anything.
 */
export interface PeersDelta {
  joined: readonly string[]
  left: readonly string[]
  full?: true
  more?: boolean
}

/** The argument of `accept`: how many bytes of payload the receiver takes before it grants more. */
export interface AcceptOptions {
  window: number
}

/** `ss-drain`: reconnect elsewhere after that many milliseconds. Streams may finish until then. */
export interface DrainNotice {
  afterMs: number
}

/** Most that one `credit`, or the first window, may grant: 16 MiB. */
export const CREDIT_MAX = 2 ** 24

/** A longer timer would fire at once (the argument of `setTimeout` is a signed 32-bit integer). */
const DELAY_MAX_MS = 2 ** 31 - 1

/** A server may tell of any limits; this many are kept. */
const LIMITS_MAX = 64

/**
 * What a client says of itself when it connects. Undefined for anything that is not exactly understood: such a client is
 * served as a legacy one, which always works. Unknown fields are ignored, so that later versions may add some.
 */
export function parseConnectRequest(value: unknown): { version: number; peers: PeersWanted } | undefined {
  const extension = own(value, 'websocketStar')
  const version = own(extension, 'version')
  const peers = own(extension, 'peers')
  if (!isIntegerWithin(version, EXTENSIONS_VERSION, Number.MAX_SAFE_INTEGER)) return undefined
  if (peers !== 'deltas' && peers !== 'windows' && peers !== 'none') return undefined
  return { version, peers }
}

/** What a server says of itself; undefined for a legacy server. Limits that are not finite numbers are left out. */
export function parseConnectAnswer(
  value: unknown
): { version: number; limits: Readonly<Record<string, number>> } | undefined {
  const extension = own(value, 'websocketStar')
  const version = own(extension, 'version')
  if (!isIntegerWithin(version, EXTENSIONS_VERSION, Number.MAX_SAFE_INTEGER)) return undefined
  const announced = own(extension, 'limits')
  const entries = typeof announced === 'object' && announced !== null ? Object.entries(announced) : []
  const limits = entries.filter((entry): entry is [string, number] => Number.isFinite(entry[1])).slice(0, LIMITS_MAX)
  return { version, limits: Object.fromEntries(limits) }
}

/**
 * The window of an `accept`. Without one (a legacy receiver, or nothing sensible) the result is `{}`. 0 is a window: the
 * sender waits for credit. A larger window than {@link CREDIT_MAX} counts as that: sending less than allowed is safe,
 * taking it for no window at all would flood the receiver.
 */
export function parseAcceptOptions(value: unknown): { window?: number } {
  const window = own(value, 'window')
  if (!isIntegerWithin(window, 0, Number.MAX_SAFE_INTEGER)) return {}
  return { window: Math.min(window, CREDIT_MAX) }
}

/** The argument of `credit`: an integer from 1 to 2²⁴ (bytes), or undefined. */
export function parseCredit(value: unknown): number | undefined {
  return isIntegerWithin(value, 1, CREDIT_MAX) ? value : undefined
}

/**
 * A batch of peers. The addresses are texts still, to be parsed one by one, so that one bad entry does not cost the
 * others; what is no text of acceptable length is left out. Undefined if neither list is there.
 */
export function parsePeersDelta(value: unknown): PeersDelta | undefined {
  const joined = own(value, 'joined')
  const left = own(value, 'left')
  if (!Array.isArray(joined) && !Array.isArray(left)) return undefined
  const more = own(value, 'more')
  return {
    joined: addressTexts(joined),
    left: addressTexts(left),
    ...(own(value, 'full') === true ? { full: true } : {}),
    ...(typeof more === 'boolean' ? { more } : {})
  }
}

/** When to reconnect, in milliseconds from now, fit for `setTimeout`; undefined if it does not say. */
export function parseDrainNotice(value: unknown): DrainNotice | undefined {
  const afterMs = own(value, 'afterMs')
  if (typeof afterMs !== 'number' || !(afterMs >= 0)) return undefined
  return { afterMs: Math.min(afterMs, DELAY_MAX_MS) }
}

/** A field the value itself has: what was sent, never what a prototype lends, and no getter is run. */
function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}

function isIntegerWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

function addressTexts(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  const entries: readonly unknown[] = value
  return entries.filter((entry) => typeof entry === 'string' && entry.length <= ADDRESS_MAX_LENGTH) as string[]
}
