/** One engine.io packet as it travels: text, or the bytes of a binary frame (EIO3: with the leading 04). */
export type Packet = string | Buffer

export type Receive = (packet: Packet) => void

export interface Closed {
  /** Of the close frame; 1006 without one; the HTTP status of a server that opened no WebSocket. */
  code: number
  reason: string
}

export interface WireOptions {
  /** The `EIO` of the query; null leaves it out. Default `'3'`. */
  eio?: '2' | '3' | '4' | null
  /** Ask for `b64=1`: binary as text, both ways. */
  base64?: boolean
  /** Sent as the Origin header. */
  origin?: string
  /** Sent as the X-Forwarded-For header. */
  forwardedFor?: string
  /** Answer WebSocket pings (opcode 9). Default true. */
  pong?: boolean
  /** The certificate to trust, as PEM, where the URL is `https:`. */
  ca?: string
  /** The session to go on with, for an upgrade. */
  sid?: string
  /** The address to connect from. Not with TLS or polling. */
  localAddress?: string
  /** Default `/socket.io/`. */
  path?: string
  /** What is read into, over and over. Default: a new buffer for each read. Not with TLS. */
  readBuffer?: Buffer
  /** Holds frames that come in parts, one at a time, if they fit. Default: memory of its own for each. */
  frameBuffer?: Buffer
  /** Called when the connection ends though nobody here ended it. */
  onLost?: (closed: Closed) => void
}

/** What carries packets: one of engine.io's two transports. */
export interface Wire {
  /** In one POST, or in one write to the TCP socket. */
  send(...packets: Packet[]): void
  close(): void
  readonly closed: Promise<Closed>
}

export function address(url: string, transport: string, options: WireOptions): URL {
  const target = new URL(options.path ?? '/socket.io/', url)
  if (options.eio !== null) target.searchParams.set('EIO', options.eio ?? '3')
  target.searchParams.set('transport', transport)
  if (options.sid !== undefined) target.searchParams.set('sid', options.sid)
  if (options.base64 === true) target.searchParams.set('b64', '1')
  return target
}

export function headersOf({ origin, forwardedFor }: WireOptions): Record<string, string> {
  return { ...(origin && { origin }), ...(forwardedFor && { 'x-forwarded-for': forwardedFor }) }
}
