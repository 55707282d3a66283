import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { joinClient, untilPeers } from '../support/star-client.js'
import { BROWSERS, launchFirefox } from './support/browser.js'
import type { Page } from './support/page.js'
import { setStage } from './support/stage.js'

/** A record of the database as a script of the page finds it. */
interface Found {
  /** Names of its fields; of bytes none. */
  fields: string[]
  bytes: number[]
  /** How it went to read the private key. */
  exports: string[]
}

const OPEN = `new Promise((resolve) => {
  const request = indexedDB.open('websocket-star', 1)
  request.onupgradeneeded = () => request.result.createObjectStore('keys')
  request.onsuccess = () => resolve(request.result)
})`

async function find(page: Page, name: string): Promise<Found> {
  // as this script makes it
  return (await page.evaluate(`(async () => {
    const db = await ${OPEN}
    const request = db.transaction('keys').objectStore('keys').get('${name}')
    const value = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))
    db.close()
    if (value instanceof Uint8Array) return { fields: [], bytes: [...value], exports: [] }
    const { privateKey } = value
    const exports = privateKey === undefined ? [] : ['pkcs8', 'jwk', 'raw'].map((form) =>
      crypto.subtle.exportKey(form, privateKey).then(() => 'read', ({ name }) => name))
    return { fields: Object.keys(value).sort(), bytes: [...value.seed ?? []], exports: await Promise.all(exports) }
  })()`)) as Found
}

/** Keeps a seed as versions did that could not do better. */
async function keepBytes(page: Page, name: string, byte: number): Promise<void> {
  await page.evaluate(`(async () => {
    const db = await ${OPEN}
    const transaction = db.transaction('keys', 'readwrite')
    transaction.objectStore('keys').put(new Uint8Array(32).fill(${byte}), '${name}')
    await new Promise((resolve) => (transaction.oncomplete = resolve))
    db.close()
  })()`)
}

const SEALED = {
  fields: ['privateKey', 'publicKey'],
  bytes: [],
  exports: Array.from({ length: 3 }, () => 'InvalidAccessError')
}

describe.each(BROWSERS)('%s', (_name, launch) => {
  const stage = setStage(launch)

  test('a kept key proves who the page is, and cannot be read', async () => {
    await using star = await startStar()
    const page = await stage.open()
    const id = await page.call('join', { servers: [star.url], keptKey: true })
    expect(star.server.stats().joins).toMatchObject({ success: 1, failure: 0 })
    expect(await find(page, 'default')).toEqual(SEALED)
    expect(await page.call('keptPeerId')).toBe(id)
  })

  test('a seed that was kept before becomes such a key of the same peer', async () => {
    await using star = await startStar()
    const [page, client] = [await stage.open(), await joinClient(star)]
    await keepBytes(page, 'default', 7)
    const id = await page.call('join', { servers: [star.url], keptKey: true })
    expect(id).toBe(await page.call('peerIdOf', 7))
    await untilPeers(client, 'the page', () => client.peers.has(id))
    expect(await find(page, 'default')).toEqual(SEALED)
    await page.tab.reload()
    expect(await page.call('join', { servers: [star.url], keptKey: true })).toBe(id)
  })

  test('pages that replace a seed at the same time are the same peer', async () => {
    const pages = await Promise.all([stage.open(), stage.open(), stage.open()])
    for (const byte of [1, 2, 3]) {
      await keepBytes(pages[0], `seed ${byte}`, byte)
      const ids = await Promise.all(pages.map((page) => page.call('keptPeerId', `seed ${byte}`)))
      expect(new Set(ids)).toEqual(new Set([await pages[0].call('peerIdOf', byte)]))
      expect(await find(pages[0], `seed ${byte}`)).toEqual(SEALED)
    }
  })

  test('a key that is asked for so that it can be read stays so', async () => {
    const page = await stage.open()
    const told = await page.call('keptSeed', 'open')
    const [id, seed = ''] = told.split(' ')
    expect(await page.call('keptPeerId', 'open')).toBe(id)
    expect(await page.call('keptSeed', 'open')).toBe(told)
    expect(await find(page, 'open')).toEqual({
      fields: ['extractable', 'seed'],
      bytes: seed.split(',').map(Number),
      exports: []
    })
    await keepBytes(page, 'old', 9)
    expect(await page.call('keptSeed', 'old')).toBe(`${await page.call('peerIdOf', 9)} ${Array(32).fill(9).join()}`)
    expect(await page.call('keptPeerId', 'old')).toBe(await page.call('peerIdOf', 9))
    await page.call('keptPeerId', 'sealed')
    await expect(page.call('keptSeed', 'sealed')).rejects.toThrow('is not extractable')
  })
})

describe('Firefox, in a private window', () => {
  const stage = setStage(() => launchFirefox({ extraPrefsFirefox: { 'browser.privatebrowsing.autostart': true } }))

  test('a page keeps its key until it is closed', async () => {
    const page = await stage.open()
    const id = await page.call('keptPeerId')
    await page.tab.reload()
    expect(await page.call('keptPeerId')).toBe(id)
  })
})
