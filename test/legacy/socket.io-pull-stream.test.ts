import { randomUUID } from 'node:crypto'
import type { RendezvousOptions } from '@websocket-star/rendezvous'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { End, Source } from '../support/legacy-types.js'
import { joinSocket, type StarSocket, type StreamPair } from '../support/socket.js'
import { startStar } from '../support/star.js'
import { differenceOfBytes, intact, paced, pull, randomChunks, receive, transfer } from '../support/streams.js'

test.each([{ cryptoChallenge: true }, { cryptoChallenge: false }])('both directions at once, %o', async (options) => {
  const { dialer, callee } = await openPair(options)
  const there = randomChunks(1_500_000)
  const back = randomChunks(1_500_000, [65_536, 100, 262_144])

  const transfers = [transfer(there, dialer, callee), transfer(back, callee, dialer)]
  expect(await Promise.all(transfers)).toEqual([intact, intact])
})

test('far more than the server will hold, both directions at once', async () => {
  const { dialer, callee } = await openPair()
  const chunks = randomChunks(32_000_000, [262_144])

  // an old sender floods: all of it is on its way at once
  const transfers = [transfer(chunks, dialer, callee), transfer(chunks, callee, dialer)]
  expect(await Promise.all(transfers)).toEqual([intact, intact])
})

test('many small chunks arrive one by one and in order', async () => {
  const { dialer, callee } = await openPair()
  const chunks = numbered(2_000)
  pull(paced(chunks), dialer.sink)
  pull(paced(chunks), callee.sink)

  const received = await Promise.all([receive(callee.source), receive(dialer.source)])
  for (const { chunks: arrived } of received) expect(arrived.map(String)).toEqual(chunks.map(String))
})

test('chunks written before anyone accepts arrive too', async () => {
  const { alice, bob } = await openPeers()
  const chunks = numbered(100)
  const id = randomUUID()
  // no pace, and nobody there yet: all of them wait in the sink
  pull(pull.values(chunks), alice.socket.createSink(`${id}.dialer`))
  await alice.request('ss-dial', alice.address, bob.address, id)

  const { source } = await bob.accepted.next('the dial')
  const { chunks: arrived } = await receive(source)
  expect(arrived.map(String)).toEqual(chunks.map(String))
})

test('streams between the same two do not mix', async () => {
  const { alice, bob } = await openPeers()
  const pairs = [await dial(alice, bob), await dial(bob, alice), await dial(alice, bob), await dial(bob, alice)]

  const transfers = pairs.flatMap(([dialer, callee]) => [
    transfer(randomChunks(200_000), dialer, callee),
    transfer(randomChunks(200_000), callee, dialer)
  ])
  expect(await Promise.all(transfers)).toEqual(transfers.map(() => intact))
})

describe('a stream that ends', () => {
  test('at once is empty', async () => {
    const { dialer, callee } = await openPair()
    pull(pull.values([]), dialer.sink)
    pull(pull.values([]), callee.sink)

    const received = await Promise.all([receive(callee.source), receive(dialer.source)])
    expect(received).toEqual([
      { chunks: [], end: true },
      { chunks: [], end: true }
    ])
  })

  test('may have had empty chunks', async () => {
    const { dialer, callee } = await openPair()
    pull(paced([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')]), dialer.sink)

    const { chunks, end } = await receive(callee.source)
    expect(chunks.map(String)).toEqual(['a', '', 'b'])
    expect(end).toBe(true)
  })

  test.each(['dialer', 'callee'] as const)('leaves the other direction open: %s first', async (first) => {
    const { dialer, callee } = await openPair()
    const [early, late] = first === 'dialer' ? [dialer, callee] : [callee, dialer]
    pull(paced([Buffer.from('over')]), early.sink)
    expect(await receive(late.source)).toEqual({ chunks: [Buffer.from('over')], end: true })

    expect(await transfer(randomChunks(100_000), late, early)).toEqual(intact)
  })
})

describe('a stream that fails', () => {
  test.each(['dialer', 'callee'] as const)('shows its error at the other side: %s', async (who) => {
    const { dialer, callee } = await openPair()
    const [failing, other] = who === 'dialer' ? [dialer, callee] : [callee, dialer]
    pull(thenEnd(['one', 'two'], 'the disk is full'), failing.sink)

    const { chunks, end } = await receive(other.source)
    expect(chunks.map(String)).toEqual(['one', 'two'])
    expect(end).toBe('the disk is full')
    // the other direction goes on
    expect(await transfer(randomChunks(100_000), other, failing)).toEqual(intact)
  })

  test('with an Error object ends with something that can be shown', async () => {
    const { dialer, callee } = await openPair()
    // what is left of an Error in JSON is {}
    pull(thenEnd(['one'], new Error('the disk is full')), dialer.sink)

    const { chunks, end } = await receive(callee.source)
    expect(chunks.map(String)).toEqual(['one'])
    expect(end === true || typeof end === 'string').toBe(true)
  })
})

describe('a receiver that stops early', () => {
  test.each(['callee', 'dialer'] as const)('keeps what it wanted, and other streams go on: %s', async (who) => {
    const { alice, bob, dialer, callee } = await openPair()
    const [sender, receiver] = who === 'callee' ? [dialer, callee] : [callee, dialer]
    const chunks = numbered(200)
    pull(paced(chunks), sender.sink)

    const { chunks: taken } = await receive(pull(receiver.source, pull.take(3)))
    expect(taken.map(String)).toEqual(chunks.slice(0, 3).map(String))
    // the old source tells nobody that it stopped: its other half, and the sender's other streams, must not suffer
    expect(await transfer(randomChunks(100_000), receiver, sender)).toEqual(intact)
    const [again, there] = await dial(alice, bob)
    expect(await transfer(randomChunks(100_000), again, there)).toEqual(intact)
    expect(await transfer(randomChunks(100_000), there, again)).toEqual(intact)
  })
})

describe('a peer that goes', () => {
  test('has first said all it had to say', async () => {
    const { alice, dialer, callee } = await openPair()
    const chunks = randomChunks(100_000, [10_000])
    // all of it in one turn, and the goodbye with it
    pull(withoutEnd(chunks), dialer.sink)
    alice.socket.disconnect()

    const { chunks: arrived, end } = await receive(callee.source)
    expect(differenceOfBytes(arrived, chunks)).toBeUndefined()
    expect(end).toBe(true)
  })

  test.each(['dialer', 'callee'] as const)('ends the streams of the one that stays: %s', async (who) => {
    const { alice, bob, dialer, callee } = await openPair()
    const stays = who === 'dialer' ? callee : dialer
    ;(who === 'dialer' ? alice : bob).socket.disconnect()

    const { end } = await receive(stays.source)
    expect(end).toBe(true)
  })
})

/** Two peers of a star, which leave with the test. */
async function openPeers(options?: RendezvousOptions): Promise<{ alice: StarSocket; bob: StarSocket }> {
  const star = await startStar(options)
  onTestFinished(() => star[Symbol.asyncDispose]())
  const [alice, bob] = [await joinSocket(star, 'alice'), await joinSocket(star, 'bob')]
  for (const peer of [alice, bob]) onTestFinished(() => peer[Symbol.asyncDispose]())
  return { alice, bob }
}

/** The same, and both sides of a dial from one to the other. */
async function openPair(options?: RendezvousOptions) {
  const peers = await openPeers(options)
  const [dialer, callee] = await dial(peers.alice, peers.bob)
  return { ...peers, dialer, callee }
}

/** Both sides of a new dial. */
async function dial(from: StarSocket, to: StarSocket): Promise<[StreamPair, StreamPair]> {
  const dialer = await from.dial(to.address, randomUUID())
  return [dialer, await to.accepted.next('the dial')]
}

function numbered(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => Buffer.from(`chunk ${index}`))
}

/** A source that ends in its own way. */
function thenEnd(texts: readonly string[], end: End): Source<Buffer> {
  const chunks = paced(texts.map((text) => Buffer.from(text)))
  return (abort, callback) => {
    chunks(abort, (ended, chunk) => (ended ? callback(end) : callback(null, chunk)))
  }
}

/** A source that never says it is done. */
function withoutEnd(chunks: readonly Buffer[]): Source<Buffer> {
  const left = chunks.values()
  return (_abort, callback) => {
    const { value } = left.next()
    if (value) callback(null, value)
  }
}
