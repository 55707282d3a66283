import { hostname } from 'node:os'
import { scopeOf } from '../pacing/address-scope.js'

/** Returns whether a host always means the machine that uses it. */
export function isLoopbackName(host: string): boolean {
  return /^(?:.+\.)?localhost$/.test(host) || host === '0.0.0.0' || host === '::' || scopeOf(host) === 'loopback'
}

/** Top-level domains that cannot be registered. */
const RESERVED = /\.(?:localhost|local|internal|home\.arpa|lan|home|corp|test)$/

/** Returns whether a name is valid only on the local network, so that strangers cannot redirect it. */
export function isLocalName(host: string): boolean {
  return !host.includes('.') || RESERVED.test(host)
}

const MACHINE = hostname().toLowerCase()

export function isMachineName(host: string): boolean {
  return host === MACHINE || host === `${MACHINE}.local`
}
