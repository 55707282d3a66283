import { beforeEach, describe, expect, test } from 'vitest'
import type { StreamProxy } from '../src/stream-proxy.js'
import { socketStreams } from '../src/streams.js'
import { FakeSocket, turns } from './fake-socket.js'

/** The sender's socket, and the receiver's. */
let near: FakeSocket
let far: FakeSocket
let proxy: StreamProxy

beforeEach(() => {
  near = new FakeSocket()
  far = new FakeSocket()
  proxy = socketStreams(near).createProxy('id', far)
})

const open = (): number => socketStreams(near).size + socketStreams(far).size

describe('a proxy', () => {
  test('lets the sender begin once the receiver has accepted', () => {
    expect([near.sent, far.sent]).toEqual([[], []])
    far.hear('accept', 'id', { window: 100 })
    expect(near.sent).toEqual([['accept', 'id', { window: 262_144 }]])
  })

  test('passes on what comes, as it is, and the end', async () => {
    far.hear('accept', 'id')
    const values = [Buffer.from('a'), 'text', { a: 1 }, 0, '']
    for (const value of values) near.hear('queue', 'id', value)
    near.hear('error', 'id', true)
    expect(far.sent).toEqual([...values.map((value) => ['queue', 'id', value]), ['error', 'id', true]])
    expect(await proxy.closed).toBeUndefined()
    expect(open()).toBe(0)
  })

  test('waits when the receiver does, and so does the sender', () => {
    far.hear('accept', 'id', { window: 10 })
    near.clear()
    const chunk = 'x'.repeat(1000)
    // 10 go out as one message, 256 KiB wait in the sink, and as much in the source.
    for (let count = 0; count < 500; count++) near.hear('queue', 'id', chunk)
    expect(far.sentOf('queue')).toHaveLength(1)
    const granted = near.sentOf('credit').reduce((sum: number, credit) => sum + Number(credit), 0)
    expect(granted).toBeLessThanOrEqual(262_144 + 2000)
    // The receiver reads: all of it arrives, and the sender may go on.
    for (let count = 0; count < 500; count++) far.hear('credit', 'id', 1000)
    expect(far.sentOf('queue')).toHaveLength(500)
    const later = near.sentOf('credit').reduce((sum: number, credit) => sum + Number(credit), 0)
    expect(later).toBeGreaterThan(400_000)
  })

  test("has its id on the sender's socket from the beginning", () => {
    expect(() => socketStreams(near).createSource('id')).toThrow(
      expect.objectContaining({ code: 'ERR_STREAM_ID_IN_USE' })
    )
    expect(() => socketStreams(far).createSink('id')).toThrow(expect.objectContaining({ code: 'ERR_STREAM_ID_IN_USE' }))
    expect(() => socketStreams(near).createProxy('id', new FakeSocket())).toThrow(
      expect.objectContaining({ code: 'ERR_STREAM_ID_IN_USE' })
    )
    const other = new FakeSocket()
    expect(() => socketStreams(other).createProxy('id', far)).toThrow(
      expect.objectContaining({ code: 'ERR_STREAM_ID_IN_USE' })
    )
    // What could not be made left nothing.
    expect(socketStreams(other).size).toBe(0)
    expect(open()).toBe(2)
  })
})

describe.each([true, false])('a proxy that fails, accepted before: %s', (accepted) => {
  beforeEach(() => {
    if (accepted) far.hear('accept', 'id', { window: 10 })
    near.clear()
    far.clear()
  })

  test('by the sender tells the receiver what it said', async () => {
    near.hear('error', 'id', 'the disk is full')
    expect(far.sent).toEqual([['error', 'id', 'the disk is full']])
    expect(near.sent).toEqual([])
    expect(await proxy.closed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
    expect(open()).toBe(0)
  })

  test('by the receiver tells the sender what it said', async () => {
    far.hear('error', 'id', 'no thanks')
    expect(near.sent).toEqual([['error', 'id', 'no thanks']])
    expect(far.sent).toEqual([])
    expect(await proxy.closed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no thanks' })
    expect(open()).toBe(0)
  })

  test("by the receiver's stop ends the sender", async () => {
    far.hear('error', 'id', true)
    expect(near.sentOf('error')).toEqual([expect.stringContaining('stopped')])
    expect(await proxy.closed).toMatchObject({ code: 'ERR_STREAM_STOPPED' })
    expect(open()).toBe(0)
  })

  test("by the sender's connection tells the receiver", async () => {
    near.disconnect('ping timeout')
    expect(far.sentOf('error')).toEqual([expect.stringContaining('ping timeout')])
    expect(await proxy.closed).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: 'ping timeout' })
    expect(open()).toBe(0)
  })

  test("by the receiver's connection tells the sender", async () => {
    far.disconnect('ping timeout')
    expect(near.sentOf('error')).toEqual([expect.stringContaining('ping timeout')])
    expect(await proxy.closed).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: 'ping timeout' })
    expect(open()).toBe(0)
  })

  test('because it is given up tells both', async () => {
    proxy.abort('not allowed')
    proxy.abort('again')
    expect(near.sent).toEqual([['error', 'id', 'not allowed']])
    expect(far.sent).toEqual([['error', 'id', 'not allowed']])
    expect(await proxy.closed).toMatchObject({ code: 'ERR_STREAM_ABORTED', cause: 'not allowed' })
    expect(open()).toBe(0)
    // What is accepted now has no sender.
    far.hear('accept', 'id')
    await turns(2)
    expect(near.sentOf('accept')).toEqual([])
  })

  test.each([
    ['null', null],
    ['false', false],
    ['nothing', undefined],
    ['a function', () => 1]
  ])('by a chunk of %s tells both, and harms nobody', async (_name, chunk) => {
    near.hear('queue', 'id', chunk)
    expect(near.sentOf('error')).toHaveLength(1)
    expect(far.sentOf('error')).toHaveLength(1)
    expect(await proxy.closed).toMatchObject({ code: 'ERR_STREAM_CODEC' })
    expect(open()).toBe(0)
  })
})

describe('a proxy to a socket without a connection', () => {
  test('tells the sender', async () => {
    const lost = new FakeSocket()
    lost.connected = false
    const failed = socketStreams(near).createProxy('other', lost)
    expect(await failed.closed).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    expect(near.sentOf('error')).toEqual([expect.stringContaining('not connected')])
  })

  test('or from one tells the receiver', async () => {
    const lost = new FakeSocket()
    lost.connected = false
    const failed = socketStreams(lost).createProxy('other', far)
    expect(await failed.closed).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    expect(far.sentOf('error')).toEqual([expect.stringContaining('not connected')])
  })
})
