import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Cork } from '../../src/transport/cork.js'

/** A socket that writes down what it is given, one list for each system call it would have made. */
function recorder(): { socket: Socket; writes: string[][] } {
  const writes: string[][] = []
  const socket = new Writable({
    write: (chunk, _encoding, done) => {
      writes.push([String(chunk)])
      done()
    },
    writev: (chunks, done) => {
      writes.push(chunks.map(({ chunk }) => String(chunk)))
      done()
    }
  })
  // A cast: of a socket only what it has of a stream is used.
  return { socket: socket as Socket, writes }
}

const cork = new Cork(0)

afterEach(() => {
  vi.restoreAllMocks()
})

function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

describe('a socket that is corked for a tick', () => {
  test('writes at once all that was written to it in the tick', async () => {
    const { socket, writes } = recorder()
    for (const text of ['a', 'b', 'c']) {
      cork.holdForTick(socket)
      socket.write(text)
    }
    expect(writes).toEqual([])
    await nextTick()
    expect(writes).toEqual([['a', 'b', 'c']])
    expect(socket.writableCorked).toBe(0)
  })

  test('is corked anew in the next one', async () => {
    const { socket, writes } = recorder()
    for (const text of ['a', 'b']) {
      cork.holdForTick(socket)
      socket.write(text)
      socket.write(text)
      await nextTick()
    }
    expect(writes).toEqual([
      ['a', 'a'],
      ['b', 'b']
    ])
  })

  test('does not hold up others', async () => {
    const [one, two] = [recorder(), recorder()]
    for (const { socket } of [one, two, one]) {
      cork.holdForTick(socket)
      socket.write('x')
    }
    await nextTick()
    expect([one.writes, two.writes]).toEqual([[['x', 'x']], [['x']]])
  })

  test('stays corked for whoever corked it before', async () => {
    const { socket, writes } = recorder()
    socket.cork()
    cork.holdForTick(socket)
    socket.write('a')
    socket.write('b')
    await nextTick()
    expect(writes).toEqual([])
    socket.uncork()
    expect(writes).toEqual([['a', 'b']])
  })

  test('may be destroyed meanwhile', async () => {
    const [gone, other] = [recorder(), recorder()]
    for (const { socket } of [gone, other]) {
      cork.holdForTick(socket)
      socket.write('x')
    }
    gone.socket.destroy()
    await nextTick()
    expect(other.writes).toEqual([['x']])
  })
})

describe('a server that is busy with small messages', () => {
  const rest = 5
  /** Milliseconds that so many writes in ticks of their own take at least, with and without a rest between some. */
  async function write(count: number, size: number, cork: Cork): Promise<{ took: number; written: number }> {
    const { socket, writes } = recorder()
    const begin = performance.now()
    for (let index = 0; index < count; index++) {
      cork.holdForTick(socket)
      socket.write('x'.repeat(size))
      await nextTick()
    }
    return { took: performance.now() - begin, written: writes.flat().length }
  }

  test('rests now and then, so that more can gather, and writes everything', async () => {
    const { took, written } = await write(500, 100, new Cork(rest))
    expect(took).toBeGreaterThanOrEqual(rest)
    expect(written).toBe(500)
  })

  test('does not rest while what it writes is large', async () => {
    const wait = vi.spyOn(Atomics, 'wait')
    await write(5_000, 5_000, new Cork(rest))
    expect(wait).not.toHaveBeenCalled()
  })

  test('does not rest when told not to', async () => {
    const wait = vi.spyOn(Atomics, 'wait')
    await write(5_000, 100, new Cork(0))
    expect(wait).not.toHaveBeenCalled()
  })

  test('does not rest while messages come one now and one then', async () => {
    const wait = vi.spyOn(Atomics, 'wait')
    const cork = new Cork(rest)
    for (let index = 0; index < 20; index++) {
      await write(1, 100, cork)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(wait).not.toHaveBeenCalled()
  })
})
