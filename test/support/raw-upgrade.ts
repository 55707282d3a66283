import { once } from 'node:events'
import type { Socket } from 'node:net'
import {
  PollingWire,
  WebSocketWire,
  type Closed,
  type Packet,
  type Receive,
  type Wire,
  type WireOptions
} from './raw-wire.js'

const probe = { ping: '2probe', pong: '3probe', upgrade: '5', noop: '6' }

/** Begins by polling and goes on over a WebSocket when it is told to, as engine.io's own clients do. */
export class UpgradingWire implements Wire {
  readonly closed: Promise<Closed>
  readonly #url: string
  readonly #options: WireOptions
  readonly #receive: Receive
  readonly #polling: PollingWire
  #webSocket: WebSocketWire | undefined
  /** What is sent while the transports change hands. */
  #held: Packet[][] | undefined
  #close: (closed: Closed) => void = () => {}

  constructor(url: string, options: WireOptions, receive: Receive) {
    this.#url = url
    this.#options = options
    this.#receive = receive
    this.closed = new Promise((resolve) => (this.#close = resolve))
    this.#polling = new PollingWire(url, options, (packet) => {
      if (packet !== probe.noop) receive(packet)
    })
    void this.#polling.closed.then((closed) => {
      if (this.#webSocket === undefined) this.#close(closed)
    })
  }

  get isUpgraded(): boolean {
    return this.#webSocket !== undefined
  }

  get tcp(): Socket {
    if (this.#webSocket === undefined) throw new Error('still polling')
    return this.#webSocket.tcp
  }

  send(...packets: Packet[]): void {
    if (this.#held !== undefined) this.#held.push(packets)
    else (this.#webSocket ?? this.#polling).send(...packets)
  }

  async upgrade(): Promise<void> {
    let probed: () => void
    const pong = new Promise<void>((resolve) => (probed = resolve))
    const webSocket = new WebSocketWire(this.#url, { ...this.#options, sid: this.#polling.sid }, (packet) => {
      if (packet === probe.pong) probed()
      else this.#receive(packet)
    })
    await once(webSocket.socket, 'open')
    webSocket.send(probe.ping)
    await pong
    this.#held = []
    await this.#polling.finish()
    this.#webSocket = webSocket
    void webSocket.closed.then(this.#close)
    webSocket.send(probe.upgrade)
    const held = this.#held
    this.#held = undefined
    for (const packets of held) webSocket.send(...packets)
  }

  close(): void {
    this.#polling.close()
    this.#webSocket?.close()
  }
}
