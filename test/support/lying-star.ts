import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import type { Star } from './star.js'

/** One message of a WebSocket: text, or the bytes of one chunk of a stream. */
type Message = string | Buffer

/** What is passed on in place of a message, in order. */
type Lie = (message: Message) => readonly Message[]

/** A star that lies to those who join it here: a real one, behind a hop that reads what passes and changes it. */
export interface LyingStar extends AsyncDisposable {
  /** What the star's addresses start with for those who go this way. */
  readonly multiaddr: string
  /** What becomes of what the star says to clients, and of what they say to it. Both tell the truth to begin with. */
  toClients: Lie
  toStar: Lie
  /** Says something of its own to every client. */
  emit(event: string, ...args: unknown[]): void
}

const TRUTH: Lie = (message) => [message]

/** @param host - the Host header that the star is asked with; by default its own */
export async function startLyingStar(star: Star, host?: string): Promise<LyingStar> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  server.on('connection', (near, { url }) => {
    const headers = host === undefined ? {} : { host }
    const far = new WebSocket(`ws://127.0.0.1:${star.port}${url}`, { headers })
    near.on('message', (data, isBinary) => pass(far, liar.toStar(read(data, isBinary))))
    far.on('message', (data, isBinary) => pass(near, liar.toClients(read(data, isBinary))))
    near.on('close', () => far.terminate())
    far.on('close', () => near.terminate())
    // it closes next
    far.on('error', () => {})
  })
  const { port } = server.address() as AddressInfo // it listens on TCP

  const liar: LyingStar = {
    multiaddr: star.multiaddr.replace(`/${star.port}/`, `/${port}/`),
    toClients: TRUTH,
    toStar: TRUTH,
    emit(event, ...args) {
      for (const near of server.clients) near.send(`42${JSON.stringify([event, ...args])}`)
    },
    async [Symbol.asyncDispose]() {
      for (const near of server.clients) near.terminate()
      await new Promise((resolve) => server.close(resolve))
    }
  }
  return liar
}

/** A lie about one event: it is passed on with other arguments. */
export function aboutEvent(event: string, change: (args: string[]) => readonly string[]): Lie {
  return (message) => {
    const [, head, json] = (typeof message === 'string' && /^(42\d*)(\[.*)$/s.exec(message)) || []
    if (head === undefined || json === undefined) return [message]
    const [name, ...args] = JSON.parse(json) as [string, ...string[]] // what a star says is in the protocol
    return [name === event ? head + JSON.stringify([name, ...change(args)]) : message]
  }
}

/** A lie about the bytes of streams: what is passed on in place of a chunk. */
export function aboutChunks(change: (chunk: Buffer) => readonly Buffer[]): Lie {
  let header = ''
  return (message) => {
    const isChunk = typeof message !== 'string' && header !== ''
    if (isChunk) return change(message).flatMap((chunk) => [header, chunk])
    // A chunk whose header went before the lie began goes as it is.
    if (typeof message !== 'string' || !message.startsWith('451-')) return [message]
    header = message
    return []
  }
}

function read(data: RawData, isBinary: boolean): Message {
  const bytes = data as Buffer // what `ws` gives unless it was told otherwise
  return isBinary ? bytes : bytes.toString()
}

function pass(to: WebSocket, messages: readonly Message[]): void {
  if (to.readyState === WebSocket.OPEN) for (const message of messages) to.send(message)
  else if (to.readyState === WebSocket.CONNECTING) to.once('open', () => pass(to, messages))
}
