import { getEventListeners } from 'node:events'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { createStarClient, pushStreams } from '@websocket-star/client'
import { startStar } from '../support/star.js'
import {
  accepting,
  echoing,
  failure,
  isClosed,
  joinClient,
  openClient,
  openPair,
  roundTripText
} from '../support/star-client.js'

/** Counts the active resources that keep a process alive, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

test('leaves no timer and no socket behind, whatever was open', async () => {
  await using star = await startStar()
  const watcher = await joinClient(star)
  echoing(watcher)
  // The first round leaves caches behind.
  const round = async (): Promise<void> => {
    const client = await createStarClient({ servers: [star.url, 'http://127.0.0.1:1'] })
    accepting(client)
    await client.join()
    await roundTripText(await client.dial(watcher.peerId), 'done')
    const open = await client.dial(watcher.peerId)
    pushStreams(open).sink.write(new Uint8Array(3_000_000))
    await watcher.dial(client.peerId)
    await client.close()
    await failure(open.closed)
  }
  await round()
  await eventually('the first to be gone', () => star.server.stats().sessions === 1)
  const before = resources()
  for (let index = 0; index < 5; index++) await round()
  await eventually('all of them to be gone', () => star.server.stats().sessions === 1)
  await eventually(`the same resources as ${JSON.stringify(before)}`, () => {
    const after = resources()
    return ['TCPSocketWrap', 'Timeout'].every((kind) => (after[kind] ?? 0) <= (before[kind] ?? 0))
  })
})

describe('a signal', () => {
  test('that has aborted already stops each operation', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    const signal = AbortSignal.abort(new Error('too late'))
    expect((await failure(client.join({ server: 'http://127.0.0.1:1', signal }))).message).toBe('too late')
    expect((await failure(client.dial(client.peerId, { signal }))).message).toBe('too late')
    expect((await failure(client.peers.changes({ signal }).next())).message).toBe('too late')
  })

  test('ends a dial that is not answered, the callee learns of it, and nothing stays open', async () => {
    await using star = await startStar()
    const [dialer, listener] = [await joinClient(star), await joinClient(star)]
    const stop = new AbortController()
    const accepted = accepting(listener)
    // The dial is aborted while the answer is in flight.
    const dial = failure(dialer.dial(listener.peerId, { signal: stop.signal }))
    const connection = await accepted.next()
    stop.abort(new Error('changed my mind'))
    const outcome = await Promise.race([dial, Promise.resolve(undefined)])
    if (outcome !== undefined) expect(outcome.message).toBe('changed my mind')
    await dialer.close()
    await failure(connection.closed)
    await eventually('no streams', () => star.server.stats().streams === 0)
  })

  test('that ends many dials leaves nothing open at the callee, and the next dial succeeds', async () => {
    await using star = await startStar()
    const [dialer, listener] = [await joinClient(star), await joinClient(star)]
    echoing(listener)
    for (let index = 0; index < 300; index++) {
      const stop = new AbortController()
      const dial = dialer.dial(listener.peerId, { signal: stop.signal })
      setTimeout(() => stop.abort(new Error('enough')), Math.random() * 3)
      await dial.then(
        (connection) => connection.abort(),
        () => {}
      )
    }
    await eventually('no streams', () => star.server.stats().streams === 0)
    expect(await roundTripText(await dialer.dial(listener.peerId), 'fine')).toBe('fine')
  })

  test('leaves no listener behind', async () => {
    await using star = await startStar()
    const [dialer, listener] = [await joinClient(star), await joinClient(star)]
    echoing(listener)
    const { signal } = new AbortController()
    for (let index = 0; index < 5; index++) {
      await roundTripText(await dialer.dial(listener.peerId, { signal }), 'x')
      await dialer.join({ signal })
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('a closed client', () => {
  test('refuses everything, and closing it again is no error', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    await client.close()
    await client.close()
    for (const attempt of [client.join(), client.dial(client.peerId)]) {
      expect(await failure(attempt)).toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    }
    expect(client.servers).toEqual([])
    expect(client.peers.size).toBe(0)
  })

  test('ends a join that is waiting', async () => {
    const client = await openClient('http://127.0.0.1:1')
    const joining = failure(client.join())
    await client.close()
    expect(await joining).toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })

  test('tells the others at once', async () => {
    await using star = await startStar()
    const { listener, near, far } = await openPair(star)
    const reading = failure(near.readable.getReader().read())
    await within('the end', listener.close())
    expect(await reading).toMatchObject({ code: 'ERR_STREAM_RESET' })
    expect(await isClosed(far)).toBe(true)
  })
})
