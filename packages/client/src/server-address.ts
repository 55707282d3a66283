import { InvalidOptionsError, parseAddress, serverUrl } from '@websocket-star/protocol'
import { isBrowser } from './platform.js'

export interface ServerAddress {
  /** `http://…` or `https://…`, without credentials, and without a slash at its end. Its path is the server's mount point. */
  readonly url: string
  /** The start of all addresses on this server: a multiaddr that ends in `/p2p-websocket-star`. */
  readonly prefix: string
  /** `Authorization` header for the user and the password of the URL. */
  readonly authorization: string | undefined
}

/** Parses a URL or multiaddr of a server. @param peerId - the client's own @throws {InvalidOptionsError} */
export function parseServer(text: string, peerId: string): ServerAddress {
  const url = /^[a-z]+:\/\//i.test(text) ? parseUrl(text) : undefined
  try {
    const address = parseAddress(url === undefined ? text : multiaddrOf(url))
    if (address.prefix === undefined) throw new TypeError('it does not end in /p2p-websocket-star')
    if (!address.strict) throw new TypeError('host, port, or ws or wss are missing or in the wrong place')
    if (address.peerId !== undefined && address.peerId !== peerId) {
      throw new TypeError(`it names the peer ${address.peerId}, and this client is ${peerId}`)
    }
    return {
      url: serverUrl(address) + (url === undefined ? '' : mountPointOf(url)),
      prefix: address.prefix,
      authorization: url === undefined ? undefined : authorizationOf(url)
    }
  } catch (cause) {
    throw new InvalidOptionsError(
      `servers: ${quoted(text)} is not a server address: ${messageOf(cause)}. Use a URL such as https://star.example.com, or ` +
        'a multiaddr such as /dns4/star.example.com/tcp/443/wss/p2p-websocket-star',
      { cause }
    )
  }
}

/** Returns the path at which a server is mounted: empty, or without a slash at its end. */
function mountPointOf({ pathname }: URL): string {
  return pathname.replace(/\/+$/, '')
}

function parseUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // The error of the platform may contain the password.
    throw new InvalidOptionsError(`servers: ${quoted(text)} is not a valid URL`)
  }
  if (!['https:', 'http:', 'wss:', 'ws:'].includes(url.protocol)) {
    throw new InvalidOptionsError(`servers: ${quoted(text)} must begin with https:, http:, wss: or ws:`)
  }
  // A query or fragment that is empty does not show in the parsed URL.
  if (/[?#]/.test(text)) {
    throw new InvalidOptionsError(
      `servers: ${quoted(text)} must not have a query or a fragment: pass a query as socket: { query }`
    )
  }
  return url
}

function multiaddrOf({ protocol, hostname, port }: URL): string {
  const secure = protocol === 'https:' || protocol === 'wss:'
  const host = hostname.startsWith('[')
    ? `/ip6/${hostname.slice(1, -1)}`
    : `/${/^[\d.]+$/.test(hostname) ? 'ip4' : 'dns4'}/${hostname}`
  return `${host}/tcp/${port === '' ? (secure ? '443' : '80') : port}/${secure ? 'wss' : 'ws'}/p2p-websocket-star`
}

/** @throws {InvalidOptionsError} in browsers, where a page cannot set headers of WebSockets */
function authorizationOf({ username, password, host }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  if (isBrowser()) {
    throw new InvalidOptionsError(
      `servers: the URL of ${host} must not have a user and a password, because browsers do not send them with WebSockets: ` +
        'use a cookie of that site, or a token as socket: { query }'
    )
  }
  const bytes = new TextEncoder().encode(`${decoded(username)}:${decoded(password)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

/** Decodes the user or the password of a URL, in which a lone `%` is allowed. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    } catch {
      return encoded
    }
  })
}

/** Quotes a server without what may be secret: user and password, query and fragment. */
function quoted(text: string): string {
  return JSON.stringify(text.replace(/:\/\/.*@/s, '://…@').replace(/[?#].*$/s, (rest) => `${rest[0]}…`))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
