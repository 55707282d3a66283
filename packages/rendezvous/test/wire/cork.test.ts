import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { corkForTick } from '../../src/wire/cork.js'

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

function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

describe('a socket that is corked for a tick', () => {
  test('writes at once all that was written to it in the tick', async () => {
    const { socket, writes } = recorder()
    for (const text of ['a', 'b', 'c']) {
      corkForTick(socket)
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
      corkForTick(socket)
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
      corkForTick(socket)
      socket.write('x')
    }
    await nextTick()
    expect([one.writes, two.writes]).toEqual([[['x', 'x']], [['x']]])
  })

  test('stays corked for whoever corked it before', async () => {
    const { socket, writes } = recorder()
    socket.cork()
    corkForTick(socket)
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
      corkForTick(socket)
      socket.write('x')
    }
    gone.socket.destroy()
    await nextTick()
    expect(other.writes).toEqual([['x']])
  })
})
