import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Cork } from '../../src/transport/cork.js'

/** Records the chunks of each system call that a socket would make. */
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
  // A cast: only the methods of its stream are used.
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
  test('writes everything from the tick in one system call', async () => {
    const { socket, writes } = recorder()
    for (const text of ['a', 'b', 'c']) {
      cork.corkForTick(socket)
      socket.write(text)
    }
    expect(writes).toEqual([])
    await nextTick()
    expect(writes).toEqual([['a', 'b', 'c']])
    expect(socket.writableCorked).toBe(0)
  })

  test('is corked again in the next tick', async () => {
    const { socket, writes } = recorder()
    for (const text of ['a', 'b']) {
      cork.corkForTick(socket)
      socket.write(text)
      socket.write(text)
      await nextTick()
    }
    expect(writes).toEqual([
      ['a', 'a'],
      ['b', 'b']
    ])
  })

  test('does not delay other sockets', async () => {
    const [one, two] = [recorder(), recorder()]
    for (const { socket } of [one, two, one]) {
      cork.corkForTick(socket)
      socket.write('x')
    }
    await nextTick()
    expect([one.writes, two.writes]).toEqual([[['x', 'x']], [['x']]])
  })

  test('stays corked if it was corked before', async () => {
    const { socket, writes } = recorder()
    socket.cork()
    cork.corkForTick(socket)
    socket.write('a')
    socket.write('b')
    await nextTick()
    expect(writes).toEqual([])
    socket.uncork()
    expect(writes).toEqual([['a', 'b']])
  })

  test('may be destroyed within the tick', async () => {
    const [gone, other] = [recorder(), recorder()]
    for (const { socket } of [gone, other]) {
      cork.corkForTick(socket)
      socket.write('x')
    }
    gone.socket.destroy()
    await nextTick()
    expect(other.writes).toEqual([['x']])
  })
})

describe('a server that is busy with small messages', () => {
  const gatherTime = 5
  let now = 0

  beforeEach(() => {
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out')
  })

  /** Writes texts in ticks of their own, `apart` milliseconds after each other. @returns how many were written */
  async function write(count: number, size: number, apart: number, cork: Cork): Promise<number> {
    const { socket, writes } = recorder()
    for (let index = 0; index < count; index++) {
      now += apart
      cork.corkForTick(socket)
      socket.write('x'.repeat(size))
      await nextTick()
    }
    return writes.flat().length
  }

  test('sleeps after every few flushes to gather more, and writes everything', async () => {
    expect(await write(500, 100, 0.01, new Cork(gatherTime))).toBe(500)
    expect(Atomics.wait).toHaveBeenCalledTimes(Math.floor(500 / 8))
    expect(Atomics.wait).toHaveBeenCalledWith(expect.any(Int32Array), 0, 0, gatherTime)
  })

  test.each([
    ['flushes are large', 5_000, 0.01, gatherTime],
    ['gathering is disabled', 100, 0.01, 0],
    ['messages are rare', 100, 1, gatherTime]
  ])('does not sleep when %s', async (_when, size, apart, gatherTime) => {
    expect(await write(500, size, apart, new Cork(gatherTime))).toBe(500)
    expect(Atomics.wait).not.toHaveBeenCalled()
  })
})
