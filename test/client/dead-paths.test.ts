import { fileURLToPath } from 'node:url'
import type { Connection } from '@websocket-star/client'
import { eventually, FaultProxy } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { LineProcess } from '../support/line-process.js'
import { CURRENT } from '../support/peer-process.js'
import { startStar, type Star } from '../support/star.js'
import { accepting, bytesOf, failure, joinClient } from '../support/star-client.js'

const ECHO = fileURLToPath(new URL('../../examples/node-echo/listen.js', import.meta.url))

/** Connects a client that reaches the star through a proxy with one that reaches it directly. */
async function connectThrough(proxy: FaultProxy, star: Star): Promise<{ near: Connection; far: Connection }> {
  const [client, listener] = [await joinClient(proxy.through(star.url)), await joinClient(star)]
  const accepted = accepting(listener)
  const near = await client.dial(listener.peerId)
  return { near, far: await accepted.next() }
}

test('what a server has not acknowledged when its connection is lost is told, though all was sent', async () => {
  await using star = await startStar()
  await using proxy = await FaultProxy.open(star)
  const { near, far } = await connectThrough(proxy, star)
  await far.writable.close()
  for await (const bytes of near.readable) expect(bytes).toHaveLength(0)

  proxy.abandon()
  const writer = near.writable.getWriter()
  await writer.write(bytesOf('last words'))
  const [closing, closed] = [failure(writer.close()), failure(near.closed)]
  proxy.reset()
  expect(await closing).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  expect(await closed).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
})

test('an end that was acknowledged stays one when the connection is lost', async () => {
  await using star = await startStar()
  await using proxy = await FaultProxy.open(star)
  const { near, far } = await connectThrough(proxy, star)
  const writer = near.writable.getWriter()
  await writer.write(bytesOf('last words'))
  await writer.close()
  proxy.reset()
  const words: Uint8Array[] = []
  const reading = failure(far.closed)
  for await (const bytes of far.readable) words.push(bytes)
  expect(Buffer.concat(words).toString()).toBe('last words')
  expect((await reading).code).toBe('ERR_STREAM_RESET')
  expect(await failure(near.closed)).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
})

test('a process that wakes leaves a connection whose path is dead, and keeps one that works', async () => {
  await using star = await startStar()
  await using proxy = await FaultProxy.open(star)
  await using moved = new LineProcess(CURRENT, ECHO, [proxy.through(star.url)], {})
  await using stayed = new LineProcess(CURRENT, ECHO, [star.url], {})
  await eventually('both to join', () => star.server.stats().peers === 2)
  for (const { child } of [moved, stayed]) child.kill('SIGSTOP')
  proxy.abandon()
  await new Promise((resolve) => setTimeout(resolve, 9_000))
  for (const { child } of [moved, stayed]) child.kill('SIGCONT')
  const states = ({ stderr }: LineProcess): string[] => stderr.items.map((line) => line.split(' ').at(-1) ?? '')
  // Far less than a heartbeat takes.
  await eventually('the return', () => states(moved).join() === 'connecting,joined,waiting,connecting,joined', 50_000)
  expect(states(stayed)).toEqual(['connecting', 'joined'])
}, 120_000)
