import { socketStreams, writeAll } from '@websocket-star/streams'
import { describe, expect, test } from 'vitest'
import { accepted, codeOf, finished, openStream, readAll } from './flows.js'
import { connect, directions, ordered, settled, versions } from './sockets.js'

class Report {
  readonly bytes = Buffer.from('abc')
  toJSON(): object {
    return { file: this.bytes, at: new Date(0) }
  }
}

const loop: unknown[] = []
loop.push(loop)

const refused: [name: string, value: unknown][] = [
  ['a File', { file: new File(['hello'], 'a.txt') }],
  ['a Blob alone', new Blob(['hello'])],
  ['a Blob in JSON', { of: { toJSON: () => new Blob(['hello']) } }],
  ['a symbol', { symbol: Symbol('a') }],
  ['a symbol alone', Symbol('a')],
  ['a function', [() => 1]],
  ['shared memory', { memory: new SharedArrayBuffer(8) }],
  ['a cycle', loop],
  ['a BigInt', { big: 1n }],
  ['a Map', { map: new Map([[1, 2]]) }],
  [
    'a getter that throws',
    {
      get broken() {
        throw new Error('the file is closed')
      }
    }
  ],
  ['a mark of an attachment beside one', [{ _placeholder: true, num: 7 }, Buffer.from([1])]]
]

describe.each(versions)('socket.io $server to client $client over $transport', (combination) => {
  describe.each(directions)('%s', (direction) => {
    test('bytes within values arrive as bytes, and what toJSON returns beside them', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream(from, to, { codec: 'plain' })
      const read = readAll(source)
      await writeAll(
        [
          { nested: new Uint8Array([1, 2]) },
          new Float32Array([1]),
          { of: new Report() },
          [new Uint8Array([1, 2, 3, 4]).subarray(1, 3), { deep: new Uint16Array([1]).buffer }],
          [new Date(0), new DataView(new Uint8Array([5, 6]).buffer, 1)]
        ],
        sink
      )
      expect(await read).toEqual({
        values: [
          { nested: Buffer.from([1, 2]) },
          Buffer.from([0, 0, 0x80, 0x3f]),
          { of: { file: Buffer.from('abc'), at: '1970-01-01T00:00:00.000Z' } },
          [Buffer.from([2, 3]), { deep: Buffer.from([1, 0]) }],
          ['1970-01-01T00:00:00.000Z', Buffer.from([6])]
        ],
        error: undefined
      })
    })

    test('what cannot be sent is refused, and harms no other stream', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const other = await openStream(from, to, { codec: 'plain' })
      const { sink, source } = await openStream(from, to, { codec: 'plain' })
      await accepted(sink)
      const codes = refused.map(([name, value]) => [name, codeOf(() => sink.write(value))])
      expect(codes).toEqual(refused.map(([name]) => [name, 'ERR_STREAM_CODEC']))
      expect(sink.writableLength).toBe(0)
      const read = Promise.all([other, { sink, source }].map((stream) => readAll(stream.source)))
      for (const each of [sink, other.sink]) {
        each.write('after it')
        each.end()
      }
      expect(await read).toEqual([
        { values: ['after it'], error: undefined },
        { values: ['after it'], error: undefined }
      ])
      await settled(from, to)
      expect([from.connected, to.connected]).toEqual([true, true])
    })

    test('a value that became unsendable after it was written ends its stream only', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream(from, to, { codec: 'plain', source: { deferred: true } })
      const value: { self?: unknown } = {}
      sink.write(value)
      value.self = value
      const [done, read] = [finished(sink), readAll(source)]
      source.accept()
      expect(await done).toMatchObject({ code: 'ERR_STREAM_CODEC' })
      expect((await read).error).toMatchObject({ code: 'ERR_STREAM_RESET' })
      await settled(from, to)
      expect(socketStreams(from).size).toBe(0)
    })
  })
})
