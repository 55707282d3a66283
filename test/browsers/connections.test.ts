import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { BROWSERS } from './support/browser.js'
import { memoryOf } from './support/memory.js'
import type { RemotePeer } from './support/page.js'
import { connect, connectPair } from './support/pair.js'
import { setStage } from './support/stage.js'
import { digestOf } from './pages/random-bytes.js'

const MB = 1_000_000
/** What a receiver lets its sender have under way at most. */
const WINDOW = 4_194_304
/** What waits in the sender besides: its backlog, and the piece that is being written. */
const WAITING = 262_144 + 2 * 65_536
const OFFERED = 200 * MB

/** Two peers meet and send each other bytes at once; the digests are compared with what was to be sent. */
async function expectExchange(server: string, near: RemotePeer, far: RemotePeer, bytes: number): Promise<void> {
  const pair = await connectPair(server, near, far)
  expect(await far.call('remotePeerId', pair.far)).toBe(pair.nearId)
  const [atNear, atFar] = await Promise.all([
    near.call('exchange', pair.near, 1, bytes),
    far.call('exchange', pair.far, 2, bytes)
  ])
  expect(atFar).toEqual(digestOf(1, bytes))
  expect(atNear).toEqual(digestOf(2, bytes))
}

describe.each(BROWSERS)('%s', (name, launch) => {
  const stage = setStage(launch)

  test('two pages exchange 50 MB, both ways at once, byte for byte', async () => {
    await using star = await startStar()
    await expectExchange(star.url, await stage.open(), await stage.open(), 50 * MB)
    expect(star.server.stats()).toMatchObject({ reset: {}, dropped: {}, streams: 0 })
  })

  test('so do a page and a dedicated worker', async () => {
    await using star = await startStar()
    const page = await stage.open()
    await expectExchange(star.url, page, (await stage.open()).worker('dedicated'), 50 * MB)
  })

  test('so do a page and a shared worker, which is one peer for all pages', async () => {
    await using star = await startStar()
    const [one, other] = [await stage.open(), await stage.open()]
    await expectExchange(star.url, one, other.worker('shared'), 50 * MB)
    expect(await one.worker('shared').call('states')).toEqual(['connecting', 'joined'])
  })

  test('a page that stops reading holds its sender within the window, and stays small', async () => {
    await using star = await startStar()
    const [sender, reader] = [await stage.open(), await stage.open()]
    const { near, far, farId } = await connectPair(star.url, sender, reader)
    await sender.call('flood', near, OFFERED)
    // So that the window has grown.
    const read = await reader.call('read', far, 20 * MB)
    const memory = name === 'Chromium' ? await memoryOf(sender, reader) : 0
    await eventually('the window to be used up', async () => {
      return (await sender.call('written', near)) - read >= 250_000
    })
    // Other connections of the two take their time, in which the rest would come if nothing held it.
    for (const seed of [1, 2]) {
      const other = await connect(sender, reader, farId)
      const [received] = await Promise.all([
        reader.call('receive', other.far),
        sender.call('send', other.near, seed, 20 * MB)
      ])
      expect(received).toEqual(digestOf(seed, 20 * MB))
    }
    expect(await sender.call('written', near)).toBeLessThanOrEqual(read + WINDOW + WAITING)
    expect(star.server.stats()).toMatchObject({ bufferedBytes: 0, pausedSenders: 0, paused: {} })
    if (name === 'Chromium') {
      const isSmall = async (): Promise<boolean> => (await memoryOf(sender, reader)) - memory < 64 * MB
      await eventually('memory of what has passed to be given back', isSmall)
    }

    // It goes on when it is read, and ends when nobody wants more.
    await reader.call('read', far, 20 * MB)
    await reader.call('cancel', far, 'enough')
    expect(await sender.call('floodEnd', near)).toEqual({ code: 'ERR_STREAM_RESET', reason: 'enough' })
    expect(await sender.call('written', near)).toBeLessThan(OFFERED / 2)
  })

  test('a server that restarts in the middle of a transfer is joined again, and peers go on', async () => {
    await using star = await startStar()
    const [sender, reader] = [await stage.open(), await stage.open()]
    const { near, far, nearId, farId } = await connectPair(star.url, sender, reader)
    await sender.call('flood', near, OFFERED)
    await reader.call('read', far, MB)
    const stopped = star.stop()
    await Promise.all([sender.call('untilState', 'waiting'), reader.call('untilState', 'waiting')])
    await stopped
    const ends = [await sender.call('floodEnd', near), await reader.call('closed', far)]
    for (const { code } of ends) expect(['ERR_CONNECTION_LOST', 'ERR_STREAM_RESET']).toContain(code)
    await star.restart()
    await Promise.all([sender.call('untilState', 'joined'), reader.call('untilState', 'joined')])
    for (const page of [sender, reader]) {
      expect((await page.call('states')).slice(0, 3)).toEqual(['connecting', 'joined', 'waiting'])
    }
    const again = await connect(sender, reader, farId)
    expect(await sender.call('changes')).toEqual([`joined ${farId}`, `left ${farId}`, `joined ${farId}`])
    expect(await reader.call('remotePeerId', again.far)).toBe(nearId)
    const [received] = await Promise.all([
      reader.call('exchange', again.far, 3, MB),
      sender.call('exchange', again.near, 4, MB)
    ])
    expect(received).toEqual(digestOf(4, MB))
  })
})
