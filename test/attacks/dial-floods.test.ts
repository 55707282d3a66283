import { randomUUID } from 'node:crypto'
import { openDial, type Packet, type RawPeer } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test('20,000 properly closed dials leave nothing behind', async () => {
  const limits = {
    pendingDialsPerSession: 1000,
    unacceptedStreams: 1000,
    dialsPerSecond: 1_000_000,
    workPerSession: 1_000_000
  }
  const star = await openStar({ limits })
  const pair = await wellBehavedPair(star)
  const [dialer, callee] = [await star.join(), await star.join()]
  const stream = 'socket.io-pull-stream'
  for (let batch = 0; batch < 20; batch++) {
    const ids = Array.from({ length: 1000 }, (_, index) => `${batch}-${index}`)
    dialer.send(...ids.map((id, index) => `42${index}["ss-dial","${dialer.address}","${callee.address}","${id}"]`))
    await callee.until('the dials', () => (callee.unread.length >= 1000 ? true : undefined))
    const acks = callee.unread.splice(0).map((packet) => `43${/^42(\d+)/.exec(String(packet))?.[1]}[]`)
    callee.send(...ids.map((id) => `42["${stream}.accept.${id}.dialer"]`), ...acks)
    await dialer.until('the answers', () => (dialer.unread.length >= 2000 ? true : undefined))
    expect(star.server.stats().streams).toBe(2002)
    dialer.send(...ids.map((id) => `42["${stream}.error.${id}.dialer",true]`))
    callee.send(...ids.map((id) => `42["${stream}.error.${id}.listener",true]`))
    await Promise.all([
      dialer.until('the ends', () => (dialer.unread.length >= 3000 ? true : undefined)),
      callee.until('the ends', () => (callee.unread.length >= 1000 ? true : undefined))
    ])
    dialer.unread.splice(0)
    callee.unread.splice(0)
  }
  expect(star.server.stats()).toMatchObject({ streams: 2, dials: { total: 20_001, success: 20_001, failure: 0 } })
  await pair.check()
})

test('of 50,000 dials without an answer few are under way, and none is left when the dialer goes', async () => {
  const limits = {
    pendingDialsPerSession: 256,
    unacceptedStreams: 1000,
    dialsPerSecond: 1_000_000,
    workPerSession: 1_000_000
  }
  const star = await openStar({ limits, dial: { ackTimeout: 600_000 } })
  const pair = await wellBehavedPair(star)
  const [attacker, victim] = [await star.join(), await star.join()]
  await attacker.takeEvent('ws-peer')
  for (let batch = 0; batch < 50; batch++) {
    const dials = Array.from({ length: 1000 }, (_, index) => {
      return `42${index}["ss-dial","${attacker.address}","${victim.address}","${batch}-${index}"]`
    })
    attacker.send(...dials)
    const expected = 1000 * (batch + 1) - 256
    await attacker.until('the refusals', () => (attacker.unread.length >= expected ? true : undefined))
  }
  expect(new Set(attacker.unread.map((packet) => String(packet).replace(/^43\d+/, '')))).toEqual(
    new Set(['["Too many requests"]'])
  )
  expect(star.server.stats()).toMatchObject({ streams: 2 + 256, refused: { 'dial limit': 50_000 - 256 } })
  await victim.settle()
  expect(victim.unread.splice(0).filter((packet) => String(packet).includes('ss-incomming'))).toHaveLength(256)

  attacker.wire.close()
  await star.counted('no stream of it', ({ streams }) => streams === 2)
  const { near, far } = await openDial(pair.dialer, victim, 'afterwards')
  await relay(near, far)
})

test('streams of one connection are limited', async () => {
  const star = await openStar({ limits: { streamsPerSession: 10 } })
  const pair = await wellBehavedPair(star)
  const [attacker, victim] = [await star.join(), await star.join()]
  for (let index = 0; index < 5; index++) {
    await openDial(attacker, victim)
  }
  await expect(attacker.dial(victim.address)).rejects.toThrow(/^Too many streams$/)
  await expect(attacker.dial(pair.listener.address)).rejects.toThrow(/^Too many streams$/)
  expect(star.server.stats()).toMatchObject({ streams: 12, refused: { 'stream limit': 2 } })
  await pair.check()
})

describe('a victim whose room is taken by idle dials of one address is dialled by others and dials them', () => {
  const VICTIM = { forwardedFor: '203.0.113.1' }
  const ATTACKER = { forwardedFor: '203.0.113.66' }
  /** All that a session may have by default. */
  const DIALS = 2_048

  test.each([1, 10])('over %d sessions', async (sessions) => {
    const limits = { dialsPerSecond: 1_000_000, dialsPerSecondPerIp: 1_000_000, unacceptedStreams: 5_000 }
    const work = { workPerSession: 1_000_000, workPerIp: 1_000_000, pendingDialsPerSession: 5_000 }
    const star = await openStar({ trustProxy: ['loopback'], limits: { ...limits, ...work } })
    const pair = await wellBehavedPair(star)
    const victim = await star.join(VICTIM)
    for (let session = 0; session < sessions; session++) {
      const attacker = await star.join(ATTACKER)
      const share = Math.floor(DIALS / sessions) + (session < DIALS % sessions ? 1 : 0)
      await openIdle(attacker, victim, share)
    }
    expect(star.server.stats()).toMatchObject({ streams: 2 + 2 * DIALS, dials: { success: 1 + DIALS } })

    // Ten peers at two addresses dial ten times each, and are dialled as often.
    const others = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => await star.join({ forwardedFor: `203.0.113.${2 + (index % 2)}` }))
    )
    const open: Awaited<ReturnType<typeof openDial>>[] = []
    for (let round = 0; round < 10; round++) {
      for (const other of others) open.push(await openDial(other, victim), await openDial(victim, other))
    }
    for (const { near, far } of open) {
      await relay(near, far, [17])
      await relay(far, near, [17])
    }
    expect(star.server.stats()).toMatchObject({
      streams: 2 + 2 * DIALS,
      dials: { success: 1 + DIALS + 200 },
      reset: { 'gave way': 200 }
    })
    await pair.check()
  })

  /** Opens dials that are never used: both ends accept. */
  async function openIdle(attacker: RawPeer, victim: RawPeer, count: number): Promise<void> {
    const stream = 'socket.io-pull-stream'
    const ids = Array.from({ length: count }, () => randomUUID())
    attacker.send(...ids.map((id, index) => `42${index}["ss-dial","${attacker.address}","${victim.address}","${id}"]`))
    const dials = (): string[] => victim.unread.map(String).filter((packet) => packet.includes('"ss-incomming"'))
    await victim.until('the dials', () => (dials().length >= count ? true : undefined))
    const acks = dials().map((packet) => `43${/^42(\d+)/.exec(packet)?.[1]}[]`)
    victim.send(...ids.map((id) => `42["${stream}.accept.${id}.dialer"]`), ...acks)
    const isAnswer = (packet: Packet): boolean => String(packet).startsWith('43')
    await attacker.until('the answers', () => (attacker.unread.filter(isAnswer).length >= count ? true : undefined))
    expect(new Set(attacker.unread.filter(isAnswer).map((packet) => String(packet).replace(/^43\d+/, '')))).toEqual(
      new Set(['[]'])
    )
    attacker.send(...ids.map((id) => `42["${stream}.accept.${id}.listener"]`))
    await attacker.settle()
    victim.unread.splice(0)
  }
})

test('streams of one connection that nobody accepts are limited', async () => {
  const star = await openStar({ limits: { unacceptedStreams: 20 } })
  const pair = await wellBehavedPair(star)
  const [attacker, accomplice] = [await star.join(), await star.join()]
  for (let index = 0; index < 10; index++) {
    const dialled = attacker.dial(accomplice.address)
    const incoming = await accomplice.takeText(/^42\d+\["ss-incomming"/)
    accomplice.send(`43${/^42(\d+)/.exec(incoming)?.[1]}[]`)
    await dialled
  }
  await expect(attacker.dial(accomplice.address)).rejects.toThrow(/./)
  await expect(attacker.dial(pair.listener.address)).rejects.toThrow(/./)
  expect(star.server.stats()).toMatchObject({ streams: 22, refused: { 'unaccepted limit': 2 } })
  attacker.wire.close()
  await star.counted('no stream of it', ({ streams }) => streams === 2)
  const { near, far } = await openDial(pair.dialer, accomplice)
  await relay(near, far)
  await pair.check()
})

test('dials beyond the rate of one connection are refused', async () => {
  const star = await openStar({ limits: { dialsPerSecond: 2 } })
  const pair = await wellBehavedPair(star)
  const attacker = await star.join()
  const started = Date.now()
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      return await attacker.request('ss-dial', attacker.address, attacker.address, `dial-${index}`)
    })
  )
  const seconds = Math.ceil((Date.now() - started) / 1000)
  const limited = answers.filter(([error]) => error === 'Too many requests').length
  // A burst of four seconds' worth, and what came in while it went on.
  expect(limited).toBeGreaterThanOrEqual(100 - 8 - 2 * seconds)
  expect(limited).toBeLessThanOrEqual(100 - 8)
  expect(star.server.stats().refused).toEqual({ 'rate limit': limited, 'own peer': 100 - limited })
  await pair.check()
})

test('dials beyond the rate of one address are refused, however many connections share it', async () => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { dialsPerSecondPerIp: 2 } })
  const pair = await wellBehavedPair(star)
  const from = { forwardedFor: '203.0.113.9' }
  const attackers = await Promise.all(Array.from({ length: 5 }, async () => await star.join(from)))
  const started = Date.now()
  const answers = await Promise.all(
    attackers.flatMap((attacker) => {
      return Array.from({ length: 20 }, async (_, index) => {
        return await attacker.request('ss-dial', attacker.address, attacker.address, `dial-${index}`)
      })
    })
  )
  const limited = answers.filter(([error]) => error === 'Too many requests').length
  expect(limited).toBeGreaterThanOrEqual(100 - 8 - 2 * Math.ceil((Date.now() - started) / 1000))
  expect(star.server.stats().refused).toEqual({ 'rate limit': limited, 'own peer': 100 - limited })
  const other = await star.join({ forwardedFor: '203.0.113.10' })
  await expect(other.dial(other.address)).rejects.toThrow(/^Cannot dial own peer$/)
  await pair.check()
})
