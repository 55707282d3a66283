/** How a client reaches the server. */
export const WAYS = ['websocket', 'polling', 'upgrade', 'http'] as const
export type Way = (typeof WAYS)[number]

/** What a client of engine.io and socket.io sends, or any bytes that pretend to. All of it is JSON. */
export interface Transcript {
  /** Which of the servers it is for: one with default options, or one that lets in whoever comes. */
  readonly server: 'default' | 'lax'
  readonly way: Way
  /** Which of a few peers it is. */
  readonly self: number
  readonly eio: 3 | 4
  /** It asks for `b64=1`. */
  readonly base64: boolean
  readonly steps: readonly Step[]
}

/**
 * One thing that it does:
 *
 * - `text`, `binary` (in hex): an engine.io packet
 * - `frame` (in hex): a WebSocket frame, whole or not, or any other bytes on the socket
 * - `body`: a POST of a client that polls
 * - `query`: a request of a client that polls, with these parameters and an empty body
 * - `request`: bytes of an HTTP request, a character each
 * - `wait`: until the server has said something
 * - `hush`: it polls no more
 * - `cut`: the end of the connection, without a word
 *
 * In texts, bodies and requests `<sid>`, `<id>`, `<key>`, `<address>`, `<nonce>`, `<signature>`, `<peer>`, `<other>`, `<dial>` and
 * `<ack>` stand for what fits.
 */
export type Step = readonly [
  kind: 'text' | 'binary' | 'frame' | 'body' | 'query' | 'request' | 'wait' | 'hush' | 'cut',
  what: string
]

/** What a client may wait for, and how it knows it. Each is waited for a moment only. */
export const AWAITED: Readonly<Record<string, RegExp>> = {
  /** That of the handshake; the id in the answer to CONNECT is longer. */
  sid: /"sid":"([^"]{20})"/,
  connected: /40/,
  nonce: /43\d+\[null,"(websocket-star:join:1 [^"]+)"/,
  joined: /43\d+\[null,null/,
  dialled: /ss-incomming","([^"]+)"/,
  accepted: /pull-stream\.accept\.([A-Za-z0-9_~.:-]+)\.(?:dialer|listener)/,
  pong: /3probe/
}
