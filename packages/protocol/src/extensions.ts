import { ADDRESS_MAX_LENGTH } from './address.js'

/** The version of these extensions. 1 would be the legacy protocol, which announces no version. */
export const EXTENSIONS_VERSION = 2

/** How a client learns about other peers: by `ss-peers`, by `ws-peer` (all or a rotating window every 10 s), or not. */
export type PeersWanted = 'deltas' | 'windows' | 'none'

/** The `auth` of a client's CONNECT packet, if it speaks the extensions (socket.io protocol revision 5 only). */
export interface ConnectRequest {
  websocketStar: { version: number; peers: PeersWanted }
}

/**
 * The answer to CONNECT of a server that speaks the extensions. All limits are optional. Ours announces `messageSize` (bytes of
 * one message from a client) and `streamsPerSession` (open halves of one session; a dial has two).
 */
export interface ConnectAnswer {
  sid: string
  websocketStar: { version: number; limits: Readonly<Record<string, number>> }
}

/**
 * `ss-peers`: changes since the last one, as canonical addresses under the client's prefix. With `full`, `joined` replaces all
 * known peers. A long list comes in parts: the first has `full`, and each says in `more` whether others follow. After the last
 * part, peers named in neither a part nor an intervening batch are gone. Known joins and unknown leaves are ignored.
 */
export interface PeersDelta {
  joined: readonly string[]
  left: readonly string[]
  full?: true
  more?: boolean
}

/** The argument of `accept`: payload bytes that may be sent before further credit. */
export interface AcceptOptions {
  window: number
}

/** `ss-drain`: milliseconds until the client should reconnect elsewhere. Open streams may finish until then. */
export interface DrainNotice {
  afterMs: number
}

/** Largest credit or window, in bytes: 16 MiB. */
export const CREDIT_MAX = 2 ** 24

/** Maximum of `setTimeout`; a longer timer would fire at once. */
const DELAY_MAX_MS = 2 ** 31 - 1

/** Maximum number of announced limits that are kept. */
const LIMITS_MAX = 64

/** Parses a {@link ConnectRequest}. Returns undefined if it is not understood: its client is served like a legacy one. */
export function parseConnectRequest(value: unknown): { version: number; peers: PeersWanted } | undefined {
  const extension = own(value, 'websocketStar')
  const version = own(extension, 'version')
  const peers = own(extension, 'peers')
  if (!isIntegerWithin(version, EXTENSIONS_VERSION, Number.MAX_SAFE_INTEGER)) return undefined
  if (peers !== 'deltas' && peers !== 'windows' && peers !== 'none') return undefined
  return { version, peers }
}

/** Parses a {@link ConnectAnswer}, dropping limits that are not finite. Returns undefined for a legacy server. */
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
 * Parses the argument of `accept`. Legacy receivers have no window; with a window of 0 the sender waits for credit. Larger windows
 * count as {@link CREDIT_MAX}, because ignoring them would flood the receiver.
 */
export function parseAcceptOptions(value: unknown): { window?: number } {
  const window = own(value, 'window')
  if (!isIntegerWithin(window, 0, Number.MAX_SAFE_INTEGER)) return {}
  return { window: Math.min(window, CREDIT_MAX) }
}

/** Parses the argument of `credit`. */
export function parseCredit(value: unknown): number | undefined {
  return isIntegerWithin(value, 1, CREDIT_MAX) ? value : undefined
}

/**
 * Parses a batch of peers, without invalid entries. The addresses are unparsed, so that one bad address does not spoil the batch.
 * Returns undefined if there is no list.
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

export function parseDrainNotice(value: unknown): DrainNotice | undefined {
  const afterMs = own(value, 'afterMs')
  if (typeof afterMs !== 'number' || !(afterMs >= 0)) return undefined
  return { afterMs: Math.min(afterMs, DELAY_MAX_MS) }
}

/** Returns an own field of a value, without reading its prototype or running a getter. */
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
