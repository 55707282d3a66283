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

/** Where a peer joined, or may be dialled. Two addresses are the same exactly if their `canonical` texts are. */
export interface StarAddress {
  /** With `/p2p/` before the peer id, the peer id as base58btc multihash, no trailing slash. */
  readonly canonical: string
  /** The same with `/ipfs/` before the peer id: legacy clients split the text on it. */
  readonly legacy: string
  /** The canonical text up to and including `/p2p-websocket-star`; undefined unless that stands there exactly once. */
  readonly prefix: string | undefined
  /**
   * The peer id as base58btc multihash ('Qm…', '12D3Koo…', '16Uiu2…'); undefined unless there is exactly one, it is the
   * last part, and it is a SHA-256 or an identity multihash.
   */
  readonly peerId: string | undefined
  /**
   * Whether this is one of the forms that `WebSocketStar` of mafmt accepts (host, tcp port unless the host is a name, ws
   * or wss, p2p-websocket-star, perhaps a peer id), or one with `/tls/ws` or `/tls/sni/<name>/ws` in place of `/wss`.
   */
  readonly strict: boolean
}

/** Legacy clients know a peer id by `/ipfs/`, everyone else by `/p2p/`. */
export type AddressForm = 'canonical' | 'legacy'

/**
 * Reads an address in any spelling: `/ipfs/` or `/p2p/`, a peer id as base58btc or CID, with or without a trailing slash.
 *
 * @throws InvalidAddressError for anything that is no multiaddr of 1 to 1024 printable ASCII characters
 */
export function parseAddress(text: unknown): StarAddress {
  return parseKnown(text) ?? parseAny(text)
}

/** The spelling of almost all addresses: what leads to a star, and a peer id as base58btc. */
const USUAL = /^(\/[\x21-\x7e]+\/p2p-websocket-star)\/(?:ipfs|p2p)\/([Q1][1-9A-HJ-NP-Za-km-z]{1,127})$/
/** Prefixes remembered; a star has few that are much used. */
const PREFIXES_MAX = 256

/** What addresses with these prefixes are, by the text of the prefix: most of the work is the same for all peers of a star. */
const prefixes = new Map<string, Pick<StarAddress, 'strict'> & { prefix: string }>()

/** @returns undefined for what has to be read as a whole */
function parseKnown(text: unknown): StarAddress | undefined {
  if (typeof text !== 'string' || text.length >= ADDRESS_MAX_LENGTH) return undefined
  const [, spelling = '', peerId = ''] = USUAL.exec(text) ?? []
  const known = prefixes.get(spelling)
  if (known === undefined || !isPeerId(peerId)) return undefined
  const { prefix, strict } = known
  const legacy = rebase(peerId, prefix, 'legacy')
  if (legacy.length > ADDRESS_MAX_LENGTH) return undefined
  return { canonical: rebase(peerId, prefix, 'canonical'), legacy, prefix, peerId, strict }
}

function remember(text: unknown, { canonical, legacy, prefix, peerId, strict }: StarAddress): void {
  const [, spelling, id] = USUAL.exec(String(text)) ?? []
  if (spelling === undefined || prefix === undefined || peerId === undefined || id !== peerId) return
  // It has to be what would be made of it.
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

function parseAny(text: unknown): StarAddress {
  const components = parseComponents(text)
  const printed = components.map((component) => multiaddr([component]).toString())
  const canonical = printed.join('')
  const legacy = components.map((c, i) => (c.code === CODE_P2P ? `/ipfs/${c.value}` : printed[i])).join('')
  // What one spelling allows every spelling must, or an address could be joined but not be told to anyone.
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
  remember(text, address)
  return address
}

/**
 * The address of a peer as seen by someone who joined under `prefix`: every client can only dial what begins with the
 * prefix it joined with itself. Nothing is checked here, so that a list of peers is told at the cost of joining texts.
 *
 * @param peerId the `peerId` of a {@link StarAddress}
 * @param prefix the `prefix` of a {@link StarAddress}
 */
export function rebase(peerId: string, prefix: string, form: AddressForm): string {
  return `${prefix}/${form === 'legacy' ? 'ipfs' : 'p2p'}/${peerId}`
}

/**
 * The URL of the server an address leads to: `https:` for wss and tls, else `http:`; default ports are left out. A name
 * given by `/sni/` is the host, since it is the one the certificate is checked for.
 *
 * @throws InvalidAddressError if the address names no server that can be reached by WebSocket
 */
export function serverUrl(address: StarAddress | string): string {
  const text = typeof address === 'string' ? address : address.canonical
  const { prefix } = parseAddress(text)
  const server = prefix === undefined ? undefined : matchServer(parseComponents(prefix))
  if (server === undefined) throw new InvalidAddressError(`Address ${quoted(text)} names no server: ${EXPECTED}`)
  const { host, port, secure } = server
  try {
    // A multiaddr takes any text for a host name; in a URL `a@b` or `a?b` would be something else than a host.
    if (!/^(?:[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(host)) throw new TypeError(`Not a host name: ${quoted(host)}`)
    return new URL(`${secure ? 'https' : 'http'}://${host}${port === undefined ? '' : `:${port}`}`).origin
  } catch (cause) {
    throw new InvalidAddressError(`Address ${quoted(text)} names a host that has no URL: ${EXPECTED}`, { cause })
  }
}

/** A peer id short enough for a log line: its first four and its last six characters. */
export function shortPeerId(peerId: string): string {
  return peerId.length <= 11 ? peerId : `${peerId.slice(0, 4)}…${peerId.slice(-6)}`
}

/** Most parts, names and values together; the longest address of a star has eleven. */
const PARTS_MAX = 24
/** A peer id of the longest key that is kept whole has 62 characters as a multihash, 71 as a CID. */
const PEER_ID_MAX_LENGTH = 128

function isPeerIdName(part: string | undefined): boolean {
  return part === 'p2p' || part === 'ipfs'
}

/** The parts of a multiaddr, with every peer id as base58btc multihash. */
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
  // Legacy multiaddr drops empty parts wherever they are, the current one only the first.
  const tidy = text.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '')
  if (tidy === '') throw new InvalidAddressError(`Address ${quoted(text)} is empty: ${EXPECTED}`)
  // base58 costs the square of its length, so what is no peer id is not looked at.
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
    // Some values are looked at by multiaddr only when they are turned into bytes.
    return multiaddr(normal).bytes.length > 0 ? normal : []
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new InvalidAddressError(`Address ${quoted(text)} could not be read (${quoted(reason)}): ${EXPECTED}`, {
      cause
    })
  }
}

/** multiaddr reads an IPv6 address through a URL, where `::1]?` would pass for `::1`. */
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

/** How the beginning of an address leads to a star. */
interface Server {
  /** As it stands in a URL. */
  readonly host: string
  readonly port: string | undefined
  readonly secure: boolean
  /** How many components it takes, p2p-websocket-star included. */
  readonly length: number
}

/** What may stand between the host and p2p-websocket-star. */
const TRANSPORTS: readonly (readonly number[])[] = [
  [CODE_WS],
  [CODE_WSS],
  [CODE_TLS, CODE_WS],
  [CODE_TLS, CODE_SNI, CODE_WS]
]

function matchServer(components: readonly Component[]): Server | undefined {
  const [host, tcp] = components
  if (host?.value === undefined) return undefined
  const hasPort = tcp?.code === CODE_TCP
  const isIp = host.code === CODE_IP4 || host.code === CODE_IP6
  const isName = [CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_DNSADDR].includes(host.code)
  // A name may do without a port, an IP address may not.
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
