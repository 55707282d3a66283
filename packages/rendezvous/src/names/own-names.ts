import { isIP } from 'node:net'
import { locationOf, parseAddress, type ServerLocation, type StarAddress } from '@websocket-star/protocol'
import { InvalidOptionsError } from '../options.js'
import { reachOf, type Reach } from '../pacing/reach.js'
import type { CertificateNames } from './certificate-names.js'
import { isLoopbackName, isMachineName } from './host-names.js'
import { InterfaceAddresses } from './interface-addresses.js'

/** Prefixes whose places are remembered; a star has few that are much used. */
const PLACES_MAX = 256

/**
 * What the server is called, as it knows by itself: the public addresses that its operator named, the names in its
 * certificate, the addresses of its interfaces. What clients and their Host headers say is no evidence: a server that wants
 * to join here as one of its users writes those.
 */
export class OwnNames {
  readonly #prefixes: readonly string[]
  readonly #places: readonly ServerLocation[]
  readonly #certificate: CertificateNames | undefined
  readonly #interfaces: Pick<InterfaceAddresses, 'has'>
  readonly #seen = new Map<string, ServerLocation | undefined>()
  /** The port it listens on. */
  #port: number | undefined

  /** @throws {InvalidOptionsError} for a public address that is none */
  constructor(
    publicAddresses: readonly string[],
    certificate?: CertificateNames,
    interfaces: Pick<InterfaceAddresses, 'has'> = new InterfaceAddresses()
  ) {
    this.#prefixes = publicAddresses.map(publicPrefix)
    this.#places = this.#prefixes.flatMap((prefix) => locationOf(prefix) ?? [])
    this.#certificate = certificate
    this.#interfaces = interfaces
  }

  /** The public addresses, and the DNS names in the certificate. While there are none, clients may join under any name. */
  get list(): readonly string[] {
    return [...this.#prefixes, ...(this.#certificate?.names ?? [])]
  }

  get isEmpty(): boolean {
    return this.#prefixes.length === 0 && (this.#certificate?.names ?? []).length === 0
  }

  listensOn(port: number): void {
    this.#port = port
  }

  /**
   * Returns whether an address leads to this server. An address of an interface has to have the port that is listened on;
   * and if the same address may be that of another machine elsewhere, the client has to be as near.
   *
   * @param reach - how far away the client may be
   */
  leadsHere({ prefix }: StarAddress, reach: Reach): boolean {
    if (prefix === undefined) return false
    if (this.#prefixes.includes(prefix)) return true
    const place = this.#placeOf(prefix)
    if (place === undefined) return false
    const { host, port, secure } = place
    if (this.isPublicPlace(place)) return true
    if (isLoopbackName(host)) return reach === 'loopback' && port === this.#port
    if (secure && this.#certificate?.covers(host) === true) return true
    if (port !== this.#port) return false
    return isIP(host) !== 0 && this.#interfaces.has(host) && (reachOf(host) === 'anywhere' || reach !== 'anywhere')
  }

  isPublicPlace({ host, port, secure }: ServerLocation): boolean {
    return this.#places.some((own) => own.host === host && own.port === port && own.secure === secure)
  }

  /**
   * Returns whether a web page under this host can only be one of this server, or of nobody: a name that it knows, or an IP
   * address, which no one can make lead elsewhere.
   */
  isTrustedHost(host: string): boolean {
    if (isIP(host) !== 0 || isLoopbackName(host) || isMachineName(host)) return true
    return this.#places.some((own) => own.host === host) || this.#certificate?.covers(host) === true
  }

  #placeOf(prefix: string): ServerLocation | undefined {
    if (this.#seen.has(prefix)) return this.#seen.get(prefix)
    const place = locationOf(prefix)
    if (this.#seen.size >= PLACES_MAX) this.#seen.clear()
    this.#seen.set(prefix, place)
    return place
  }
}

function publicPrefix(text: string): string {
  let prefix: string | undefined
  try {
    prefix = parseAddress(text).prefix
  } catch (error) {
    throw invalid(`${text} is no multiaddr`, error)
  }
  if (prefix === undefined) throw invalid(`${text} does not contain /p2p-websocket-star`)
  return prefix
}

function invalid(message: string, cause?: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: ['publicAddresses'], message }], { cause })
}
