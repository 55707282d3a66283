import { isIP } from 'node:net'
import { locationOf, parseAddress, type ServerLocation, type StarAddress } from '@websocket-star/protocol'
import { InvalidOptionsError } from '../options.js'
import { scopeOf, type AddressScope } from '../pacing/address-scope.js'
import type { CertificateNames } from './certificate-names.js'
import { isLoopbackName, isMachineName } from './host-names.js'
import { InterfaceAddresses } from './interface-addresses.js'

/** Largest number of remembered prefixes; few are in use on a star. */
const MAX_REMEMBERED = 256

/**
 * Names of the server from its own sources: configured public addresses, certificate and interfaces. Host headers prove
 * nothing: a malicious server forges them when it tries to join here as one of its own users.
 */
export class OwnNames {
  readonly #prefixes: readonly string[]
  readonly #publicLocations: readonly ServerLocation[]
  #certificate: CertificateNames | undefined
  readonly #interfaces: Pick<InterfaceAddresses, 'has'>
  readonly #locations = new Map<string, ServerLocation | undefined>()
  /** Port that the server listens on. */
  #port: number | undefined

  /** @throws {InvalidOptionsError} if a public address is invalid */
  constructor(
    publicAddresses: readonly string[],
    certificate?: CertificateNames,
    interfaces: Pick<InterfaceAddresses, 'has'> = new InterfaceAddresses()
  ) {
    this.#prefixes = publicAddresses.map(publicPrefix)
    this.#publicLocations = this.#prefixes.flatMap((prefix) => locationOf(prefix) ?? [])
    this.#certificate = certificate
    this.#interfaces = interfaces
  }

  /** Public addresses and DNS names of the certificate. If there are none, clients may join under any name. */
  get list(): readonly string[] {
    return [...this.#prefixes, ...(this.#certificate?.names ?? [])]
  }

  get isEmpty(): boolean {
    return this.#prefixes.length === 0 && (this.#certificate?.names ?? []).length === 0
  }

  /** Replaces the certificate. Sessions that joined under its names stay. */
  renewed(certificate: CertificateNames | undefined): void {
    this.#certificate = certificate
  }

  listensOn(port: number): void {
    this.#port = port
  }

  /**
   * Returns whether an address leads to this server. An interface's address must have the server's port, and unless it
   * is global, the client must be in the same network.
   */
  leadsHere({ prefix }: StarAddress, scope: AddressScope): boolean {
    if (prefix === undefined) return false
    if (this.#prefixes.includes(prefix)) return true
    const location = this.#locationOf(prefix)
    if (location === undefined) return false
    const { host, port, secure } = location
    if (this.isPublicLocation(location)) return true
    if (isLoopbackName(host)) return scope === 'loopback' && port === this.#port
    if (secure && this.#certificate?.covers(host) === true) return true
    if (port !== this.#port) return false
    return isIP(host) !== 0 && this.#interfaces.has(host) && (scopeOf(host) === 'global' || scope !== 'global')
  }

  isPublicLocation({ host, port, secure }: ServerLocation): boolean {
    return this.#publicLocations.some((own) => own.host === host && own.port === port && own.secure === secure)
  }

  /** Returns whether only this server can be reached under a host: a known name, or an IP address. */
  isTrustedHost(host: string): boolean {
    if (isIP(host) !== 0 || isLoopbackName(host) || isMachineName(host)) return true
    return this.#publicLocations.some((own) => own.host === host) || this.#certificate?.covers(host) === true
  }

  #locationOf(prefix: string): ServerLocation | undefined {
    if (this.#locations.has(prefix)) return this.#locations.get(prefix)
    const location = locationOf(prefix)
    if (this.#locations.size >= MAX_REMEMBERED) this.#locations.clear()
    this.#locations.set(prefix, location)
    return location
  }
}

function publicPrefix(text: string): string {
  let prefix: string | undefined
  try {
    prefix = parseAddress(text).prefix
  } catch (error) {
    throw invalid(`${text} is not a multiaddr`, error)
  }
  if (prefix === undefined) throw invalid(`${text} does not contain /p2p-websocket-star`)
  return prefix
}

function invalid(message: string, cause?: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: ['publicAddresses'], message }], { cause })
}
