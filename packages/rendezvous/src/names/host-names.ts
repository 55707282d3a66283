import { hostname } from 'node:os'
import { scopeOf } from '../pacing/address-scope.js'

/** Returns whether a host of an address or a URL is the machine that it is used on. */
export function isLoopbackName(host: string): boolean {
  return /^(?:.+\.)?localhost$/.test(host) || host === '0.0.0.0' || host === '::' || scopeOf(host) === 'loopback'
}

/** Top-level domains that nobody can register a name under. */
const RESERVED = /\.(?:localhost|local|internal|home\.arpa|lan|home|corp|test)$/

/** Returns whether a name means something on the local network only, so that no stranger can make it lead elsewhere. */
export function isLocalName(host: string): boolean {
  return !host.includes('.') || RESERVED.test(host)
}

const MACHINE = hostname().toLowerCase()

/** Returns whether a name is what this machine is called. */
export function isMachineName(host: string): boolean {
  return host === MACHINE || host === `${MACHINE}.local`
}
