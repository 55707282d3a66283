import {
  CODE_DNS,
  CODE_DNS4,
  CODE_DNS6,
  CODE_DNSADDR,
  CODE_IP4,
  CODE_IP6,
  CODE_P2P,
  CODE_P2P_WEBSOCKET_STAR,
  CODE_SNI,
  CODE_TCP,
  CODE_TLS,
  CODE_WS,
  CODE_WSS,
  multiaddr
} from '@multiformats/multiaddr'
import type { Component } from '@multiformats/multiaddr'
import { InvalidAddressError } from './errors.js'
import { kindOf, quoted } from './excerpt.js'
import { parsePeerId } from './peer-id.js'

/** Longest address in any spelling, in characters. */
export const ADDRESS_MAX_LENGTH = 1024

const EXPECTED =
  'expected a multiaddr such as /dns4/star.example.com/tcp/443/wss/p2p-websocket-star/p2p/<peer id>, ' +
  `at most ${ADDRESS_MAX_LENGTH} characters`

/** A parsed address. Two addresses are equal if their `canonical` texts are. */
export interface StarAddress {
  /** The spelling with `/p2p/` before a base58btc peer id, without trailing slash. */
  readonly canonical: string
  /** The same with `/ipfs/`, which legacy clients split the text on. */
  readonly legacy: string
  /** The canonical text up to `/p2p-websocket-star`; undefined unless that occurs exactly once. */
  readonly prefix: string | undefined
  /** The peer id at the end, as base58btc; undefined unless it is the only one, and a SHA-256 or identity multihash. */
  readonly peerId: string | undefined
  /**
   * The address has a form that `WebSocketStar` of mafmt accepts: host, tcp port (optional for names), ws or wss,
   * p2p-websocket-star, and possibly a peer id. `/tls/ws` and `/tls/sni/<name>/ws` may replace `/wss`.
   */
  readonly strict: boolean
}

export type AddressForm = 'canonical' | 'legacy'

/**
 * Parses an address in any spelling: `/ipfs/` or `/p2p/`, a peer id as base58btc or CID, with or without a trailing slash.
 *
 * @throws {InvalidAddressError} unless it is a multiaddr of 1 to 1024 printable ASCII characters
 */
export function parseAddress(text: unknown): StarAddress {
  return parseByPrefix(text) ?? parseFully(text)
}

/** The form of almost all addresses: a prefix and a base58btc peer id. */
const USUAL = /^(\/[\x21-\x7e]+\/p2p-websocket-star)\/(?:ipfs|p2p)\/([Q1][1-9A-HJ-NP-Za-km-z]{1,127})$/
/** Maximum number of cached prefixes; a star has few that are used often. */
const PREFIXES_MAX = 256

/** Parsed prefixes by their text: parsing them is most of the work, and all peers of a star share them. */
const prefixes = new Map<string, Pick<StarAddress, 'strict'> & { prefix: string }>()

/** Returns undefined if the prefix is not cached. */
function parseByPrefix(text: unknown): StarAddress | undefined {
  if (typeof text !== 'string' || text.length >= ADDRESS_MAX_LENGTH) return undefined
  const [, spelling = '', peerId = ''] = USUAL.exec(text) ?? []
  const known = prefixes.get(spelling)
  if (known === undefined || !isPeerId(peerId)) return undefined
  const { prefix, strict } = known
  const legacy = rebase(peerId, prefix, 'legacy')
  if (legacy.length > ADDRESS_MAX_LENGTH) return undefined
  return { canonical: rebase(peerId, prefix, 'canonical'), legacy, prefix, peerId, strict }
}

function cachePrefix(text: unknown, { canonical, legacy, prefix, peerId, strict }: StarAddress): void {
  const [, spelling, id] = USUAL.exec(String(text)) ?? []
  if (spelling === undefined || prefix === undefined || peerId === undefined || id !== peerId) return
  // The cached form must give the same texts.
  if (canonical !== rebase(peerId, prefix, 'canonical') || legacy !== rebase(peerId, prefix, 'legacy')) return
  if (prefixes.size >= PREFIXES_MAX) prefixes.clear()
  prefixes.set(spelling, { prefix, strict })
}

function isPeerId(text: string): boolean {
  try {
    const id = parsePeerId(text)
    return id.valid && id.text === text
  } catch {
    return false
  }
}

function parseFully(text: unknown): StarAddress {
  const components = parseComponents(text)
  const printed = components.map((component) => multiaddr([component]).toString())
  const canonical = printed.join('')
  const legacy = components.map((c, i) => (c.code === CODE_P2P ? `/ipfs/${c.value}` : printed[i])).join('')
  // Both spellings must fit, or an address could be joined that cannot be announced.
  if (legacy.length > ADDRESS_MAX_LENGTH || canonical.length > ADDRESS_MAX_LENGTH) {
    throw new InvalidAddressError(`Address ${quoted(canonical)} is too long: ${EXPECTED}`)
  }
  const stars = components.filter((component) => component.code === CODE_P2P_WEBSOCKET_STAR)
  const star = components.findIndex((component) => component.code === CODE_P2P_WEBSOCKET_STAR)
  const peerId = peerIdOf(components)
  const rest = components.length - (matchServer(components)?.length ?? Number.NaN)
  const address: StarAddress = {
    canonical,
    legacy,
    prefix: stars.length === 1 ? printed.slice(0, star + 1).join('') : undefined,
    peerId,
    strict: rest === 0 || (rest === 1 && peerId !== undefined)
  }
  cachePrefix(text, address)
  return address
}

/**
 * Returns the address of a peer for a client that joined under `prefix`: a client can only dial addresses that begin with its
 * own prefix. The arguments are not checked, because this runs for each peer of a list.
 */
export function rebase(peerId: string, prefix: string, form: AddressForm): string {
  return `${prefix}/${form === 'legacy' ? 'ipfs' : 'p2p'}/${peerId}`
}

/**
 * Returns the URL of an address's server: `https:` for wss and tls, else `http:`, without a default port. The name in `/sni/` is
 * the host, because the certificate is checked against it.
 *
 * @throws {InvalidAddressError} if the address has no server that can be reached by WebSocket
 */
export function serverUrl(address: StarAddress | string): string {
  const text = typeof address === 'string' ? address : address.canonical
  const { prefix } = parseAddress(text)
  const server = prefix === undefined ? undefined : matchServer(parseComponents(prefix))
  if (server === undefined) throw new InvalidAddressError(`Address ${quoted(text)} has no server: ${EXPECTED}`)
  const { host, port, secure } = server
  try {
    // A multiaddr accepts any host name; in a URL, `a@b` and `a?b` would not be hosts.
    if (!/^(?:[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(host)) throw new TypeError(`Not a host name: ${quoted(host)}`)
    return new URL(`${secure ? 'https' : 'http'}://${host}${port === undefined ? '' : `:${port}`}`).origin
  } catch (cause) {
    throw new InvalidAddressError(`Address ${quoted(text)} has a host that no URL can have: ${EXPECTED}`, { cause })
  }
}

/** Returns the first four and the last six characters of a peer id, for log lines. */
export function shortPeerId(peerId: string): string {
  return peerId.length <= 11 ? peerId : `${peerId.slice(0, 4)}…${peerId.slice(-6)}`
}

/** Maximum number of names and values in an address; the longest address of a star has eleven. */
const PARTS_MAX = 24
/** The longest valid peer id has 62 characters as a multihash, 71 as a CID. */
const PEER_ID_MAX_LENGTH = 128

function isPeerIdName(part: string | undefined): boolean {
  return part === 'p2p' || part === 'ipfs'
}

/** Returns the components of a multiaddr, with peer ids as base58btc. */
function parseComponents(text: unknown): Component[] {
  if (typeof text !== 'string')
    throw new InvalidAddressError(`An address must be a string, got ${kindOf(text)}: ${EXPECTED}`)
  if (text.length > ADDRESS_MAX_LENGTH) {
    throw new InvalidAddressError(`Address ${quoted(text)} has ${text.length} characters: ${EXPECTED}`)
  }
  if (!/^\/[\x21-\x7e]*$/.test(text)) {
    throw new InvalidAddressError(
      `Address ${quoted(text)} is not a / followed by printable ASCII characters: ${EXPECTED}`
    )
  }
  // Legacy versions of multiaddr drop all empty parts, the current one only the first.
  const tidy = text.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '')
  if (tidy === '') throw new InvalidAddressError(`Address ${quoted(text)} is empty: ${EXPECTED}`)
  // Decoding base58 takes quadratic time.
  const parts = tidy.split('/')
  if (
    parts.length > PARTS_MAX ||
    parts.some((part, i) => isPeerIdName(parts[i - 1]) && part.length > PEER_ID_MAX_LENGTH)
  ) {
    throw new InvalidAddressError(`Address ${quoted(text)} has too many or too long parts: ${EXPECTED}`)
  }
  try {
    const components = multiaddr(tidy).getComponents()
    assertLiteralIp6(tidy, components)
    const normal = components.map((component) => {
      return component.code === CODE_P2P ? { ...component, value: parsePeerId(component.value ?? '').text } : component
    })
    // multiaddr checks some values only when it encodes them.
    return multiaddr(normal).bytes.length > 0 ? normal : []
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new InvalidAddressError(`Address ${quoted(text)} could not be read (${quoted(reason)}): ${EXPECTED}`, {
      cause
    })
  }
}

/** multiaddr parses IPv6 addresses as part of a URL, which accepts `::1]?` as `::1`. */
function assertLiteralIp6(text: string, components: readonly Component[]): void {
  const parts = text.split('/')
  let at = 1
  for (const component of components) {
    if (component.code === CODE_IP6 && !/^[0-9A-Fa-f:.]+$/.test(parts[at + 1] ?? '')) {
      throw new TypeError('Invalid IPv6 address')
    }
    at += component.value === undefined ? 1 : 2
  }
}

function peerIdOf(components: readonly Component[]): string | undefined {
  const last = components.at(-1)
  if (last?.code !== CODE_P2P || last.value === undefined) return undefined
  if (components.filter((component) => component.code === CODE_P2P).length > 1) return undefined
  const peerId = parsePeerId(last.value)
  return peerId.valid ? peerId.text : undefined
}

interface ServerComponents {
  /** As in a URL. */
  readonly host: string
  readonly port: string | undefined
  readonly secure: boolean
  /** Number of components, including p2p-websocket-star. */
  readonly length: number
}

/** The components allowed between the host and p2p-websocket-star. */
const TRANSPORTS: readonly (readonly number[])[] = [
  [CODE_WS],
  [CODE_WSS],
  [CODE_TLS, CODE_WS],
  [CODE_TLS, CODE_SNI, CODE_WS]
]

function matchServer(components: readonly Component[]): ServerComponents | undefined {
  const [host, tcp] = components
  if (host?.value === undefined) return undefined
  const hasPort = tcp?.code === CODE_TCP
  const isIp = host.code === CODE_IP4 || host.code === CODE_IP6
  const isName = [CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_DNSADDR].includes(host.code)
  if (!isName && !(isIp && hasPort)) return undefined
  const rest = components.slice(hasPort ? 2 : 1)
  const transport = TRANSPORTS.find((codes) => {
    return [...codes, CODE_P2P_WEBSOCKET_STAR].every((code, i) => rest[i]?.code === code)
  })
  if (transport === undefined) return undefined
  const sni = transport.includes(CODE_SNI) ? rest[1]?.value : undefined
  return {
    host: sni ?? (host.code === CODE_IP6 ? `[${host.value}]` : host.value),
    port: hasPort ? tcp.value : undefined,
    secure: transport[0] !== CODE_WS,
    length: components.length - rest.length + transport.length + 1
  }
}
