import { openDial } from '@websocket-star/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCertificates, type Certificates } from '../support/certificates.js'
import { digest, openOneWay, Pump } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const MARK = 262_144
/** What one legacy sender may have under way when it is paused: what was read with the last chunk. */
const SLACK = 200_000

let certificates: Certificates

beforeAll(async () => {
  certificates = await createCertificates()
})

afterAll(async () => {
  await certificates[Symbol.asyncDispose]()
})

test('a receiver behind TLS that does not read has its sender paused, and gets all of it when it reads again', async () => {
  const { cert, key, authority: ca } = certificates
  const star = await openStar({ cert, key, relay: { highWaterMark: MARK } })
  expect(star.url).toMatch(/^https:/)
  const [dialer, listener] = [await star.join({ ca }), await star.join({ ca, eio: '4' })]
  const { near, far } = await openOneWay(dialer, listener)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000, 30_000_000)
  const { bufferedBytes } = await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  expect(bufferedBytes).toBeGreaterThan(MARK)
  expect(bufferedBytes).toBeLessThan(MARK + SLACK)
  listener.tcp.resume()
  await pump.done
  await far.received(pump.chunks)
  expect(digest(far.chunks)).toBe(pump.digest)
  expect(star.server.stats()).toMatchObject({ pausedSenders: 0, reset: {}, closed: {} })
})

test('a receiver behind TLS that stopped reading for good is dropped, and nobody else notices', async () => {
  const { cert, key, authority: ca } = certificates
  const relayOptions = { highWaterMark: MARK, stallTimeout: 1000, pauseTimeout: 20_000 }
  const star = await openStar({ cert, key, relay: relayOptions })
  const [dialer, stopped, reader] = [await star.join({ ca }), await star.join({ ca }), await star.join({ ca })]
  const { near } = await openOneWay(dialer, stopped)
  const pair = await openDial(reader, await star.join({ ca }))
  stopped.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a stalled receiver', ({ closed }) => closed.stalled === 1)
  await relay(pair.near, pair.far)
  expect(await Promise.all([near.stopped(), near.ended()])).toEqual([[true], [true]])
  await pump.stop()
  await star.counted('nothing unsent', (stats) => stats.bufferedBytes === 0 && stats.sessions === 3)
  const again = await openDial(dialer, reader)
  await relay(again.near, again.far)
})
