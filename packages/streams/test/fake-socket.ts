import { parseStreamEventName, streamEventName, type StreamEventKind } from '@websocket-star/protocol'
import type { SocketLike } from '../src/socket.js'

/** A stream event as it was sent: its kind, the stream, the arguments. */
export type Frame = [kind: string, stream: string, ...args: unknown[]]

type Listener = (...args: unknown[]) => void

/** Where a client's socket keeps what it has not sent. */
export interface FakeEngine {
  writeBuffer: { data?: unknown }[]
  transport: { ws: { bufferedAmount: number } }
}

/** A socket without a network: it remembers what was sent, and hears what a test says. */
export class FakeSocket implements SocketLike {
  connected = true
  /** All that was sent, in order. */
  readonly sent: Frame[] = []
  readonly io: { engine: FakeEngine } = { engine: { writeBuffer: [], transport: { ws: { bufferedAmount: 0 } } } }
  readonly anyListeners: Listener[] = []
  /** Called with what is sent. */
  onSend: ((frame: Frame) => void) | undefined
  readonly #listeners = new Map<string, Listener[]>()

  emit(event: string, ...args: unknown[]): void {
    const parsed = parseStreamEventName(event)
    const frame: Frame = parsed === undefined ? [event, '', ...args] : [parsed.kind, parsed.stream, ...args]
    this.sent.push(frame)
    this.onSend?.(frame)
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
  }

  removeListener(event: string, listener: Listener): void {
    this.#listeners.set(
      event,
      (this.#listeners.get(event) ?? []).filter((other) => other !== listener)
    )
  }

  onAny(listener: Listener): void {
    this.anyListeners.push(listener)
  }

  offAny(listener: Listener): void {
    this.anyListeners.splice(this.anyListeners.indexOf(listener), 1)
  }

  listenerCount(event: string): number {
    return this.#listeners.get(event)?.length ?? 0
  }

  /** A stream event has come. */
  hear(kind: StreamEventKind, stream: string, ...args: unknown[]): void {
    for (const listener of this.anyListeners.slice()) listener(streamEventName(kind, stream), ...args)
  }

  disconnect(reason = 'transport close'): void {
    this.connected = false
    for (const listener of this.#listeners.get('disconnect') ?? []) listener(reason)
  }

  /** What was sent of one kind: the first argument of each. */
  sentOf(kind: string): unknown[] {
    return this.sent.filter(([sent]) => sent === kind).map(([, , argument]) => argument)
  }

  /** Forgets what was sent. */
  clear(): void {
    this.sent.length = 0
  }
}

/** Two sockets that hear each other, in order, each event in a turn of its own. */
export function joinedSockets(): [FakeSocket, FakeSocket] {
  const sockets: [FakeSocket, FakeSocket] = [new FakeSocket(), new FakeSocket()]
  const [a, b] = sockets
  const wire = (from: FakeSocket, to: FakeSocket): void => {
    from.onSend = ([kind, stream, ...args]) => {
      setImmediate(() => to.hear(kind as StreamEventKind, stream, ...args)) // streams send nothing else
    }
  }
  wire(a, b)
  wire(b, a)
  return sockets
}

/** Resolves in a later turn of the event loop, when all that was under way has been done. */
export async function turns(count = 1): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
