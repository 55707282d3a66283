import { openDial, type RawOptions, type RawPeer } from '@websocket-star/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EXTENDED, openOneWay, Pump } from '../support/raw-flow.js'
import { createIdentities, createIdentity, type Identity } from '../support/raw-identity.js'
import { relay } from '../support/raw-pair.js'
import { canonical, DELTAS, known, NONE, peersMessages, untilKnown } from '../support/raw-peers.js'
import { openStar, type RawStar } from '../support/raw-star.js'

/** The same server by another name: a star of two prefixes. */
function otherPrefix(star: RawStar): string {
  return star.prefix.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
}

/** What came that is no answer and no packet of engine.io's or of a handshake. */
function events(peer: RawPeer): string[] {
  return peer.frames.map(String).filter((frame) => /^42\d*\[/.test(frame))
}

test('a new client is told of limits at CONNECT', async () => {
  const star = await openStar({ limits: { messageSize: 123_456, streamsPerSession: 77 } })
  for (const options of [DELTAS, NONE, EXTENDED]) {
    const peer = await star.connect(options)
    const connect = peer.frames.map(String).find((frame) => frame.startsWith('40')) ?? ''
    expect(JSON.parse(connect.slice(2))).toEqual({
      sid: expect.any(String),
      websocketStar: { version: 2, limits: { messageSize: 123_456, streamsPerSession: 77 } }
    })
  }
})

test('the answer to a join names nobody, and a full list follows it', async () => {
  const star = await openStar()
  const [one, two] = [await star.join(), await star.join(DELTAS)]
  const [peer, identity] = [await star.connect(DELTAS), await createIdentity()]
  expect(await peer.join(identity, star.prefix)).toEqual([])
  await untilKnown(peer, [canonical(one.address), canonical(two.address)])
  const answer = peer.frames.findIndex((frame) => String(frame).startsWith('432[null,null'))
  expect(String(peer.frames[answer])).toBe('432[null,null,[]]')
  expect(String(peer.frames[answer + 1])).toMatch(/^42\["ss-peers",\{"joined":\[.*\],"left":\[\],"full":true\}\]$/)
  // Joined once more, it is told nothing more.
  expect(await peer.join(identity, star.prefix)).toEqual([])
  await peer.settle()
  expect(peersMessages(peer).filter(({ full }) => full)).toHaveLength(1)
})

const departures: Record<string, (peer: RawPeer) => void> = {
  'leaves its address': (peer) => peer.emit('ss-leave', peer.address),
  'says goodbye': (peer) => peer.send('41'),
  'loses its connection': (peer) => peer.wire.close()
}

test.for(Object.keys(departures))('whoever %s has left, once', async (name) => {
  const star = await openStar()
  const [listener, stays] = [await star.join(DELTAS), await star.join(NONE)]
  for (const options of [{}, DELTAS, NONE]) {
    const leaver = await star.join(options)
    await untilKnown(listener, [canonical(stays.address), canonical(leaver.address)])
    departures[name]?.(leaver)
    await untilKnown(listener, [canonical(stays.address)])
  }
  expect(peersMessages(listener).flatMap(({ left }) => left)).toHaveLength(3)
})

test('a peer that another session takes over has not left, nor when it is handed back', async () => {
  const star = await openStar()
  const [listener, identity] = [await star.join(DELTAS), await createIdentity()]
  const [first, second] = [await star.connect(DELTAS), await star.connect()]
  await first.join(identity, star.prefix)
  await untilKnown(listener, [canonical(first.address)])
  await second.join(identity, star.prefix)
  second.wire.close()
  await star.counted('its end', ({ sessions }) => sessions === 2)
  const later = await star.join()
  await untilKnown(listener, [canonical(first.address), canonical(later.address)])
  expect(peersMessages(listener).flatMap(({ left }) => left)).toEqual([])
  await untilKnown(first, [canonical(listener.address), canonical(later.address)])
  const { near, far } = await openDial(later, first)
  await relay(near, far)
})

test('a silent holder that lost its address takes no peer with it, and one that was alone with it does', async () => {
  const star = await openStar({ join: { takeoverTimeout: 100 } })
  const [listener, identity] = [await star.join(DELTAS), await createIdentity()]
  const silent = await star.connect({ pong: false })
  const heir = await star.connect()
  await silent.join(identity, star.prefix)
  await heir.join(identity, star.prefix)
  const address = canonical(heir.address)
  await untilKnown(listener, [address])
  heir.wire.close()
  // Nobody answers for it any more.
  await untilKnown(listener, [])
  expect(star.server.stats()).toMatchObject({ peers: 1, sessions: 2 })
})

test('each is told under its own prefix, by addresses it can dial', async () => {
  const star = await openStar()
  const other = otherPrefix(star)
  const [here, there] = [await star.join(DELTAS), await star.connect(DELTAS)]
  await there.join(await createIdentity(), other)
  const legacy = await star.join()
  await untilKnown(here, [canonical(there.address, star.prefix), canonical(legacy.address)])
  await untilKnown(there, [canonical(here.address, other), canonical(legacy.address, other)])
  for (const address of known(there)) {
    const callee = address.endsWith(here.address.split('/').at(-1) ?? '') ? here : legacy
    const [near, far] = await Promise.all([there.dial(address), callee.answer()])
    near.accept()
    await Promise.all([near.accepted(), far.accepted()])
    await relay(near, far)
  }
  legacy.wire.close()
  await untilKnown(there, [canonical(here.address, other)])
})

test('nobody is told of its own peer, by whichever prefix and session it joined', async () => {
  const star = await openStar()
  const identity = await createIdentity()
  const [here, there] = [await star.connect(DELTAS), await star.connect(DELTAS)]
  await here.join(identity, star.prefix)
  await there.join(identity, otherPrefix(star))
  const last = await star.join(DELTAS)
  await untilKnown(here, [canonical(last.address)])
  await untilKnown(there, [canonical(last.address, otherPrefix(star))])
  await untilKnown(last, [canonical(here.address)])
  for (const peer of [here, there]) {
    expect(peersMessages(peer).flatMap(({ joined, left }) => [...joined, ...left])).toHaveLength(1)
  }
})

test('legacy clients among them hear what they always heard, and nothing else', async () => {
  const star = await openStar()
  const legacy = await star.join()
  const modern = await star.join(DELTAS)
  const quiet = await star.join(NONE)
  const windows = await star.join(EXTENDED)
  const late = await star.connect({ eio: '4' })
  expect(await late.join(await createIdentity(), star.prefix)).toEqual(
    [windows, quiet, modern, legacy].map(({ address }) => address)
  )
  modern.wire.close()
  await star.counted('its end', ({ sessions }) => sessions === 4)
  await Promise.all([legacy, late, windows].map(async (peer) => await peer.settle()))
  const announced = (...peers: readonly RawPeer[]) => peers.map(({ address }) => `42["ws-peer","${address}"]`)
  expect(events(legacy)).toEqual(announced(modern, quiet, windows, late))
  expect(events(windows)).toEqual(announced(late))
  expect(events(late)).toEqual([])
})

test('a client that wants to hear of nobody hears nothing, and is found all the same', async () => {
  const star = await openStar({ discovery: { interval: 10 } })
  const [other, listener] = [await star.join(), await star.join(DELTAS)]
  const [quiet, identity] = [await star.connect(NONE), await createIdentity()]
  expect(await quiet.join(identity, star.prefix)).toEqual([])
  await untilKnown(listener, [canonical(other.address), canonical(quiet.address)])
  await other.until('announcements', () => (other.announced.length >= 10 ? true : undefined))
  other.wire.close()
  await untilKnown(listener, [canonical(quiet.address)])
  await quiet.settle()
  expect(events(quiet)).toEqual([])
  const { near, far } = await openDial(listener, quiet)
  await relay(near, far)
})

test('over polling the list comes, and changes', async () => {
  const star = await openStar()
  const other = await star.join()
  const polling = await star.join({ ...DELTAS, transport: 'polling' })
  await untilKnown(polling, [canonical(other.address)])
  other.wire.close()
  await untilKnown(polling, [])
})

test('many that come at once are told in few messages', async () => {
  const star = await openStar({ discovery: { deltaInterval: 200 } })
  const listener = await star.join(DELTAS)
  const identities = await createIdentities(40)
  const peers = await Promise.all(identities.map(async () => await star.connect()))
  const started = performance.now()
  await Promise.all(peers.map(async (peer, index) => await peer.join(identities[index] as Identity, star.prefix)))
  await untilKnown(
    listener,
    identities.map(({ id }) => `${star.prefix}/p2p/${id}`)
  )
  const batches = Math.ceil((performance.now() - started) / 200)
  expect(peersMessages(listener).length).toBeLessThanOrEqual(1 + batches)
})

test('more than a thousand come in messages of a thousand', async () => {
  const limits = { addressesPerSession: 2_000, joinRoundsPerSecond: 1_000_000 }
  const star = await openStar({ cryptoChallenge: false, limits })
  const [crowd, identities] = [await star.connect(), await createIdentities(1_205)]
  await Promise.all(identities.map(async ({ id }) => await crowd.finishJoin(`${star.prefix}/p2p/${id}`)))
  const listener = await star.join(DELTAS)
  await untilKnown(
    listener,
    identities.map(({ id }) => `${star.prefix}/p2p/${id}`)
  )
  expect(peersMessages(listener).map(({ joined, left, full }) => [joined.length, left.length, full])).toEqual([
    [1_000, 0, true],
    [205, 0, undefined]
  ])
  crowd.wire.close()
  await untilKnown(listener, [])
})

test('a client that reads slowly is told nothing, and gets a full list when it has read', async () => {
  const star = await openStar({ relay: { highWaterMark: 524_288 } })
  const [dialer, slow, other] = [await star.join(NONE), await star.join(DELTAS), await star.join(DELTAS)]
  await untilKnown(slow, [canonical(dialer.address), canonical(other.address)])
  const { near, far } = await openOneWay(dialer, slow, 2 ** 24)
  slow.tcp.pause()
  const pump = new Pump(near, 60_000, 16_000_000)
  await star.counted('much unsent', ({ bufferedBytes }) => bufferedBytes > 524_288)
  const before = peersMessages(slow).length
  const brief = await star.join()
  await untilKnown(
    other,
    [dialer, slow, brief].map(({ address }) => canonical(address))
  )
  brief.wire.close()
  await untilKnown(
    other,
    [dialer, slow].map(({ address }) => canonical(address))
  )
  const stays = await star.join()
  await untilKnown(
    other,
    [dialer, slow, stays].map(({ address }) => canonical(address))
  )
  slow.tcp.resume()
  await pump.done
  await far.received(pump.chunks)
  const now = [dialer, other, stays].map(({ address }) => canonical(address))
  await untilKnown(slow, now)
  // Not a word of the one that came and went.
  expect(peersMessages(slow).slice(before)).toEqual([{ joined: expect.any(Array), left: [], full: true }])
  stays.wire.close()
  await untilKnown(slow, now.slice(0, 2))
})

/** One thing that happens to the star; numbers choose a client, a peer and a prefix. */
interface Step {
  kind: 'join' | 'leave' | 'goodbye' | 'loss'
  client: number
  peer: number
  at: number
}

/** What a client of the model has joined with. */
interface Actor {
  options: RawOptions
  peer: RawPeer | undefined
  addresses: Map<string, Identity>
}

test('whatever joins and leaves, every client ends up knowing who is there', async () => {
  const identities = await createIdentities(5)
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom<Step['kind'][]>('join', 'join', 'join', 'leave', 'goodbye', 'loss'),
      client: fc.nat(4),
      peer: fc.nat(3),
      at: fc.nat(1)
    }),
    { minLength: 5, maxLength: 25 }
  )
  const star = await openStar({ discovery: { deltaInterval: 10 }, limits: { joinRoundsPerSecond: 1_000_000 } })
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const actors = [DELTAS, DELTAS, DELTAS, EXTENDED].map((options): Actor => ({
        options,
        peer: undefined,
        addresses: new Map()
      }))
      for (const step of steps) await act(star, identities, actors, step)

      // The last to join is told of after everything else.
      const [witness, last] = [await star.connect(DELTAS), identities[4] as Identity]
      await witness.join(last, star.prefix)
      const present = new Set([last, ...actors.flatMap(({ addresses }) => [...addresses.values()])])
      const listeners = actors.filter(({ options, addresses }) => options === DELTAS && addresses.size > 0)
      for (const { peer, addresses } of [...listeners, { peer: witness, addresses: new Map([[star.prefix, last]]) }]) {
        const own = new Set(addresses.values())
        const prefix = [...addresses.keys()].at(-1)?.split('/p2p/')[0]
        const others = [...present].filter((identity) => !own.has(identity))
        await untilKnown(
          peer as RawPeer,
          others.map(({ id }) => `${prefix}/p2p/${id}`)
        )
      }

      for (const { peer } of [...actors, { peer: witness }]) peer?.wire.close()
      await star.counted('nobody', ({ sessions }) => sessions === 0)
    }),
    { numRuns: 25, endOnFailure: true }
  )
})

async function act(
  star: RawStar,
  identities: readonly Identity[],
  actors: readonly Actor[],
  step: Step
): Promise<void> {
  const actor = actors[step.client % actors.length] as Actor
  const identity = identities[step.peer] as Identity
  const prefix = step.at === 0 ? star.prefix : otherPrefix(star)
  const address = `${prefix}/p2p/${identity.id}`
  switch (step.kind) {
    case 'join':
      actor.peer ??= await connectAfresh(star, actors, actor.options)
      await actor.peer.join(identity, prefix)
      // Joined again it stays where it is, as on the server.
      if (!actor.addresses.has(address)) actor.addresses.set(address, identity)
      return
    case 'leave':
      actor.peer?.emit('ss-leave', address)
      actor.addresses.delete(address)
      return
    case 'goodbye':
    case 'loss':
      if (step.kind === 'goodbye') actor.peer?.send('41')
      else actor.peer?.wire.close()
      actor.peer = undefined
      actor.addresses.clear()
  }
}

/** A fifth holder would cost a peer's oldest its place, so that those who went have to be gone. */
async function connectAfresh(star: RawStar, actors: readonly Actor[], options: RawOptions): Promise<RawPeer> {
  const open = actors.filter(({ peer }) => peer !== undefined).length
  await star.counted('the ends of others', ({ sessions }) => sessions === open)
  return await star.connect(options)
}
