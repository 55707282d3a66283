import { expect, test } from 'vitest'
import { EXTENDED } from '../support/raw-flow.js'
import { openStar } from '../support/raw-star.js'

const accept = (stream: string): string => `socket.io-pull-stream.accept.${stream}`
const queue = (stream: string): string => `socket.io-pull-stream.queue.${stream}`
const told = (...streams: [stream: string, reason: unknown][]): string[] =>
  streams.map(([stream, reason]) => `42${JSON.stringify([`socket.io-pull-stream.error.${stream}`, reason])}`)

const UNKNOWN = 'Unknown stream'

test('a new client that accepts, or sends on, a stream that does not exist is told, once for chunks in a row', async () => {
  const star = await openStar()
  const client = await star.join(EXTENDED)
  const sendChunk = (stream: string): void => {
    client.send(
      `451-${JSON.stringify([queue(stream), { _placeholder: true, num: 0 }])}`,
      client.binary(Buffer.alloc(3))
    )
  }
  client.emit(accept('a.dialer'), { window: 1000 })
  for (let count = 0; count < 5; count++) sendChunk('b.dialer')
  sendChunk('c.dialer')
  client.emit(queue('d.dialer'), 'text')
  client.emit('socket.io-pull-stream.credit.e.dialer', 1000)
  client.emit('socket.io-pull-stream.error.f.dialer', true)
  await client.settle()
  expect(client.unread.map(String)).toEqual(
    told(['a.dialer', UNKNOWN], ['b.dialer', UNKNOWN], ['c.dialer', UNKNOWN], ['d.dialer', UNKNOWN])
  )
  expect(star.server.stats().dropped).toEqual({ 'unknown stream': 10 })
})

test('a legacy client is told of the normal end of what it accepts, and nothing of what it sends', async () => {
  const star = await openStar()
  const client = await star.join()
  client.emit(accept('a.dialer'))
  client.send(
    `451-${JSON.stringify([queue('b.dialer'), { _placeholder: true, num: 0 }])}`,
    client.binary(Buffer.alloc(3))
  )
  client.emit(queue('c.dialer'), 'text')
  await client.settle()
  expect(client.unread.map(String)).toEqual(told(['a.dialer', true]))
})

test('who floods the server with unknown streams and does not read the answers is paused', async () => {
  const star = await openStar()
  const client = await star.join(EXTENDED)
  client.tcp.pause()
  const frame = `42${JSON.stringify([accept('x'.repeat(100))])}`
  for (let batch = 0; star.server.stats().paused.answers === undefined; batch++) {
    client.send(...Array.from({ length: 1_000 }, () => frame))
    await star.counted('the batch', ({ dropped, paused }) => {
      return paused.answers !== undefined || (dropped['unknown stream'] ?? 0) > batch * 1_000
    })
  }
  expect(star.server.stats()).toMatchObject({ paused: { answers: 1 }, closed: {} })
})
