import type { Peer } from './peer.js'

/** Calls of a peer's functions that come as messages, and the answers. */
interface Call {
  id: number
  name: keyof Peer
  args: unknown[]
}

interface Answer {
  id: number
  value?: unknown
  error?: string
}

/** One end of a channel, as workers and shared workers' ports are. */
export interface Channel {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  /** What ports need before they give out messages. */
  start?(): void
}

/** Answers the calls of a page. */
export function serve(channel: Channel, peer: Promise<Peer>): void {
  listen(channel, async (data) => {
    const { id, name, args } = data as Call // nothing else is sent
    try {
      const call = (await peer)[name] as (...args: unknown[]) => Promise<unknown> // the caller knows the arguments
      post(channel, { id, value: await call(...args) } satisfies Answer)
    } catch (error) {
      post(channel, { id, error: String(error) } satisfies Answer)
    }
  })
}

/** Calls a peer that is served somewhere else. */
export class RemotePeer {
  readonly #channel: Channel
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #calls = 0

  constructor(channel: Channel) {
    this.#channel = channel
    listen(channel, (data) => {
      const answer = data as Answer // nothing else is sent
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
  }

  async call(name: keyof Peer, args: unknown[]): Promise<unknown> {
    const id = this.#calls++
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    post(this.#channel, { id, name, args } satisfies Call)
    const { value, error } = await answered
    if (error !== undefined) throw new Error(error)
    return value
  }
}

function listen(channel: Channel, listener: (data: unknown) => void): void {
  channel.addEventListener('message', ({ data }) => listener(data))
  channel.start?.()
}

function post(channel: Channel, message: unknown): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- only windows have one
  channel.postMessage(message)
}
