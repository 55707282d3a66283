import { WebSocket as WebSocketTransport } from 'socket.io-client'

/** What a server says to a client: engine.io's messages. `<dial>` stands for the id of the client's dial. */
export interface Said {
  readonly open: string
  readonly connect: string
  /** Arguments of the answers to a join and to a dial, as JSON. */
  readonly join: string
  readonly dial: string
  /** Said once the client has dialled. */
  readonly after: readonly (string | Buffer)[]
}

/** A WebSocket of socket.io's client that no server is behind. */
export class SaidTransport extends WebSocketTransport {
  /** Returns the class of a transport that says this. */
  static of(said: Said): typeof WebSocketTransport {
    return class extends SaidTransport {
      override createSocket(): object {
        return new SaidSocket(said)
      }
    }
  }
}

/** As much of a WebSocket as the transport uses. */
class SaidSocket {
  onopen: (() => void) | undefined
  onclose: ((event: object) => void) | undefined
  onmessage: ((event: { data: unknown }) => void) | undefined
  onerror: (() => void) | undefined
  readonly #said: Said
  #isClosed = false

  constructor(said: Said) {
    this.#said = said
    setImmediate(() => {
      this.onopen?.()
      this.#say(said.open)
    })
  }

  send(data: unknown): void {
    if (typeof data !== 'string') return
    const { connect, join, dial, after } = this.#said
    if (data.startsWith('40')) this.#say(connect)
    const [, id, event, dialId = ''] = /^42(\d+)\["(ss-join|ss-dial)",.*?(?:"([^"]*)")?\]$/.exec(data) ?? []
    if (event === 'ss-join') this.#say(`43${id}${join}`)
    if (event !== 'ss-dial') return
    this.#say(`43${id}${dial}`)
    for (const message of after) {
      this.#say(typeof message === 'string' ? message.replaceAll('<dial>', dialId) : message)
    }
  }

  close(): void {
    this.#isClosed = true
    setImmediate(() => this.onclose?.({}))
  }

  /** As a network does, never while the client is sending. */
  #say(data: string | Buffer): void {
    setImmediate(() => {
      if (!this.#isClosed) this.onmessage?.({ data })
    })
  }
}
