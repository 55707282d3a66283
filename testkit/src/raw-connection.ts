import type { RawSession } from './raw-session.js'

type Side = 'dialer' | 'listener'

/** One party's end of a dial: it sends on one half and receives on the other. */
export class RawConnection {
  /** What came on the half it receives. */
  readonly chunks: Buffer[] = []
  readonly peer: RawSession
  readonly id: string
  /** Names of the two stream halves. */
  readonly sends: string
  readonly receives: string
  /** The text that announces each chunk it sends. */
  readonly header: string

  constructor(peer: RawSession, id: string, side: Side) {
    this.peer = peer
    this.id = id
    this.sends = `${id}.${side}`
    this.receives = `${id}.${side === 'dialer' ? 'listener' : 'dialer'}`
    this.header = headerOf(this.sends)
    peer.route(this.receives, this)
  }

  /** Lets the other party send: with a window so many bytes, else what it likes. */
  accept(window?: number): void {
    const options = window === undefined ? [] : [{ window }]
    this.peer.emit(`socket.io-pull-stream.accept.${this.receives}`, ...options)
  }

  /** Waits until the other party lets this one send; the arguments it does so with. */
  async accepted(): Promise<unknown[]> {
    return await this.peer.takeEvent(`socket.io-pull-stream.accept.${this.sends}`)
  }

  /** Lets the other party send so many bytes more. */
  grant(bytes: number): void {
    this.peer.emit(`socket.io-pull-stream.credit.${this.receives}`, bytes)
  }

  /** Waits to be let send more: how many bytes. */
  async granted(): Promise<unknown> {
    return (await this.peer.takeEvent(`socket.io-pull-stream.credit.${this.sends}`))[0]
  }

  /** Sends chunks: for each a header and its attachment, all in one write. */
  write(...chunks: Uint8Array[]): void {
    this.peer.send(...chunks.flatMap((chunk) => [this.header, this.peer.binary(chunk)]))
  }

  /** Ends the half it sends on. */
  end(...reason: unknown[]): void {
    this.peer.emit(`socket.io-pull-stream.error.${this.sends}`, ...reason)
  }

  /** Waits for so many chunks to have come in all. */
  async received(count: number): Promise<Buffer[]> {
    return await this.peer.until(`chunk ${count} of ${this.receives}`, () =>
      this.chunks.length >= count ? this.chunks : undefined
    )
  }

  /** Wants no more of the half it receives on. */
  refuse(...reason: unknown[]): void {
    this.peer.emit(`socket.io-pull-stream.error.${this.receives}`, ...reason)
  }

  /** Waits for the end of the half it receives on: the arguments it came with. */
  async ended(): Promise<unknown[]> {
    return await this.peer.takeEvent(`socket.io-pull-stream.error.${this.receives}`)
  }

  /** Waits to be told that the half it sends on has ended: the arguments it came with. */
  async stopped(): Promise<unknown[]> {
    return await this.peer.takeEvent(`socket.io-pull-stream.error.${this.sends}`)
  }
}

/** The text that announces each chunk of a stream half. */
export function headerOf(stream: string): string {
  return `451-["socket.io-pull-stream.queue.${stream}",{"_placeholder":true,"num":0}]`
}
