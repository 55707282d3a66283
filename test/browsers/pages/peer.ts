import type * as Star from '@websocket-star/client'
import { Digest, RandomBytes, type Received } from './random-bytes.js'

export interface JoinOptions extends Pick<
  Star.StarClientOptions,
  'servers' | 'transports' | 'backoff' | 'window' | 'connectTimeout'
> {
  /** Be the peer that this origin keeps the key of. */
  keptKey?: boolean
}

/** How a connection or one of its directions ended. */
export interface End {
  /** `'complete'`, or the error's code. */
  code: string
  reason?: string
}

/** What is known of one connection besides itself. */
interface Line {
  connection: Star.Connection
  /** Bytes that a flood has given to the stream. */
  written: number
  reader?: ReadableStreamDefaultReader<Uint8Array>
  flooding?: Promise<End>
}

/** Sizes of writes, in turns: the smallest, odd ones, those of a chunk and around it, and one that has to be cut. */
const SIZES = [1, 65_536, 4_097, 65_537, 31, 200_000, 65_535]

/** What tests ask of a page or a worker. Connections are numbers; data is made, and looked at, where it is. */
export type Peer = ReturnType<typeof createPeer>

/** @param star - the client's module, which a page finds by its import map and a worker by its URL */
export function createPeer(star: typeof Star) {
  let client: Star.StarClient | undefined
  const states: Star.ServerState[] = []
  const changes: string[] = []
  const lines: Line[] = []
  const arrived: number[] = []
  /** Who waits for anything to happen: they all look again. */
  const waiting = new Set<() => void>()

  function joined(): Star.StarClient {
    if (client === undefined) throw new Error('join has not been called')
    return client
  }

  function lineOf(connection: number): Line {
    const line = lines[connection]
    if (line === undefined) throw new Error(`there is no connection ${connection}`)
    return line
  }

  function add(connection: Star.Connection): number {
    return lines.push({ connection, written: 0 }) - 1
  }

  function happened(): void {
    for (const look of waiting) look()
  }

  function until(probe: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!probe()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  }

  /** @returns the peer id, at once */
  async function create({ keptKey = false, ...options }: JoinOptions): Promise<string> {
    const privateKey = keptKey ? await star.loadOrCreateKey() : await star.generateKey()
    client = await star.createStarClient({ backoff: { initial: 20, max: 200 }, privateKey, ...options })
    client.addEventListener('server:status', ({ detail }) => {
      states.push(detail.state)
      happened()
    })
    for (const type of ['joined', 'changed', 'left'] as const) {
      client.addEventListener(`peer:${type}`, ({ detail }) => {
        changes.push(`${type} ${detail.id}`)
        happened()
      })
    }
    void client.join().catch(() => {})
    return client.peerId
  }

  async function send(connection: number, seed: number, bytes: number): Promise<void> {
    const random = new RandomBytes(seed)
    const writer = lineOf(connection).connection.writable.getWriter()
    for (let left = bytes, turn = 0; left > 0; turn++) {
      const piece = random.take(Math.min(left, SIZES[turn % SIZES.length] ?? left))
      left -= piece.length
      await writer.ready
      // What goes wrong is told by the close.
      writer.write(piece).catch(() => {})
    }
    await writer.close()
  }

  async function receive(connection: number): Promise<Received> {
    const digest = new Digest()
    const reader = lineOf(connection).connection.readable.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { bytes: digest.bytes, digest: digest.toString() }
      digest.add(value)
    }
  }

  async function pour({ connection }: Line, written: (bytes: number) => void, bytes: number): Promise<void> {
    const writer = connection.writable.getWriter()
    for (let left = bytes; left > 0; left -= 65_536) {
      await writer.write(new Uint8Array(65_536))
      written(65_536)
    }
    await writer.close()
  }

  return {
    create,

    /** @returns the peer id, once joined */
    async join(options: JoinOptions): Promise<string> {
      const id = await create(options)
      await until(() => states.at(-1) === 'joined')
      return id
    },

    /** The peer id of the key that this origin keeps under a name. */
    async keptPeerId(name = 'default'): Promise<string> {
      return (await star.loadOrCreateKey({ name })).publicKey.toString()
    },

    /** The peer id and the seed, as one text, of the key that this origin keeps so that it can be read. */
    async keptSeed(name: string): Promise<string> {
      const { publicKey, seed } = await star.loadOrCreateKey({ name, extractable: true })
      return `${publicKey.toString()} ${seed.join()}`
    },

    /** The peer id of the key whose seed is this byte, again and again. */
    async peerIdOf(byte: number): Promise<string> {
      return (await star.keyFromSeed(new Uint8Array(32).fill(byte))).publicKey.toString()
    },

    /** States of the server so far, without repeats. */
    async states(): Promise<Star.ServerState[]> {
      return states.filter((state, index) => state !== states[index - 1])
    },

    async untilState(state: Star.ServerState): Promise<void> {
      await until(() => states.at(-1) === state)
    },

    /** The message of why the server is not joined. */
    errorText(): string {
      return joined().servers[0]?.error?.message ?? ''
    },

    /** The code of why the server is not joined. */
    async error(): Promise<string | undefined> {
      return (joined().servers[0]?.error as Partial<Star.StarError> | undefined)?.code
    },

    /** `joined <id>`, `left <id>` so far. */
    async changes(): Promise<string[]> {
      return changes
    },

    async untilChange(change: string): Promise<void> {
      await until(() => changes.includes(change))
    },

    async untilPeer(id: string): Promise<void> {
      await until(() => joined().peers.has(id))
    },

    /** Sends back what others send. */
    async echo(): Promise<void> {
      joined().handle(({ readable, writable }) => readable.pipeTo(writable))
    },

    /** Keeps the connections that others open, for {@link accepted}. */
    async accept(): Promise<void> {
      joined().handle((connection) => {
        arrived.push(add(connection))
        happened()
      })
    },

    /** The oldest connection that nobody has asked for. */
    async accepted(): Promise<number> {
      await until(() => arrived.length > 0)
      return arrived.shift() as number // there is one
    },

    async dial(id: string): Promise<number> {
      return add(await joined().dial(id))
    },

    async remotePeerId(connection: number): Promise<string | undefined> {
      return lineOf(connection).connection.remotePeerId
    },

    send,
    receive,

    /** Sends the bytes of a seed and receives what comes, at once. */
    async exchange(connection: number, seed: number, bytes: number): Promise<Received> {
      const [received] = await Promise.all([receive(connection), send(connection, seed, bytes)])
      await lineOf(connection).connection.closed
      return received
    },

    /** Dials, sends a text, and ends. @returns what comes back */
    async ask(id: string, text: string): Promise<string> {
      const { readable, writable } = await joined().dial(id)
      const writer = writable.getWriter()
      await writer.write(new TextEncoder().encode(text))
      await writer.close()
      const decoder = new TextDecoder()
      let answer = ''
      const reader = readable.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return answer
        answer += decoder.decode(value, { stream: true })
      }
    },

    /** Begins to write zeros, each piece as soon as the stream takes it. */
    async flood(connection: number, bytes: number): Promise<void> {
      const line = lineOf(connection)
      line.flooding = endOf(pour(line, (count) => (line.written += count), bytes))
    },

    async written(connection: number): Promise<number> {
      return lineOf(connection).written
    },

    async floodEnd(connection: number): Promise<End> {
      return (await lineOf(connection).flooding) ?? { code: 'none' }
    },

    /** Reads so many bytes, or a little more, and no further. */
    async read(connection: number, bytes: number): Promise<number> {
      const line = lineOf(connection)
      line.reader ??= line.connection.readable.getReader()
      let count = 0
      while (count < bytes) {
        const { value } = await line.reader.read()
        if (value === undefined) break
        count += value.length
      }
      return count
    },

    async cancel(connection: number, reason: string): Promise<void> {
      await lineOf(connection).reader?.cancel(reason)
    },

    async closed(connection: number): Promise<End> {
      return await endOf(lineOf(connection).connection.closed)
    }
  }
}

async function endOf(promise: Promise<void>): Promise<End> {
  try {
    await promise
    return { code: 'complete' }
  } catch (error) {
    const { code = String(error), reason } = error as Partial<End> // as the client's errors are
    return reason === undefined ? { code } : { code, reason }
  }
}
