import { InvalidOptionsError, parseAddress, serverUrl } from '@websocket-star/protocol'

export interface ServerAddress {
  /** `http://…` or `https://…`, without a path. */
  readonly url: string
  /** The start of all addresses on this server: a multiaddr that ends in `/p2p-websocket-star`. */
  readonly prefix: string
}

/** Parses a URL or multiaddr of a server. @param peerId - the client's own @throws {InvalidOptionsError} */
export function parseServer(text: string, peerId: string): ServerAddress {
  const multiaddr = /^[a-z]+:\/\//i.test(text) ? multiaddrOf(text) : text
  try {
    const address = parseAddress(multiaddr)
    if (address.prefix === undefined) throw new TypeError('it does not end in /p2p-websocket-star')
    if (!address.strict) throw new TypeError('host, port, or ws or wss are missing or in the wrong place')
    if (address.peerId !== undefined && address.peerId !== peerId) {
      throw new TypeError(`it names the peer ${address.peerId}, and this client is ${peerId}`)
    }
    return { url: serverUrl(address), prefix: address.prefix }
  } catch (cause) {
    throw new InvalidOptionsError(
      `servers: ${JSON.stringify(text)} is not a server address: ${messageOf(cause)}. Use a URL such as https://star.example.com, or ` +
        'a multiaddr such as /dns4/star.example.com/tcp/443/wss/p2p-websocket-star',
      { cause }
    )
  }
}

function multiaddrOf(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new InvalidOptionsError(`servers: ${JSON.stringify(text)} is not a valid URL`, { cause })
  }
  const { protocol, hostname } = url
  const secure = protocol === 'https:' || protocol === 'wss:'
  if (!secure && protocol !== 'http:' && protocol !== 'ws:') {
    throw new InvalidOptionsError(`servers: ${JSON.stringify(text)} must begin with https:, http:, wss: or ws:`)
  }
  if (url.pathname !== '/' || url.search !== '') {
    throw new InvalidOptionsError(`servers: ${JSON.stringify(text)} must not have a path: pass it as socket: { path }`)
  }
  const port = url.port === '' ? (secure ? '443' : '80') : url.port
  const host = hostname.startsWith('[')
    ? `/ip6/${hostname.slice(1, -1)}`
    : `/${/^[\d.]+$/.test(hostname) ? 'ip4' : 'dns4'}/${hostname}`
  return `${host}/tcp/${port}/${secure ? 'wss' : 'ws'}/p2p-websocket-star`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
