import { parseAddress } from '@websocket-star/protocol'

/** Returns the multiaddr for the name in a Host header; undefined if the name fits into no multiaddr. */
export function multiaddrForHost(host: string | undefined, secure: boolean): string | undefined {
  let url
  try {
    url = new URL(`${secure ? 'https' : 'http'}://${host ?? ''}`)
    const { hostname } = url
    const name = hostname.startsWith('[')
      ? `/ip6/${hostname.slice(1, -1)}`
      : /^[\d.]+$/.test(hostname)
        ? `/ip4/${hostname}`
        : `/dns4/${hostname}`
    const port = url.port === '' ? (secure ? '443' : '80') : url.port
    return parseAddress(`${name}/tcp/${port}/${secure ? 'wss' : 'ws'}/p2p-websocket-star`).canonical
  } catch {
    return undefined
  }
}
