import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { socketStreams, valuesOf, writeAll } from '@websocket-star/streams'
import { build } from 'esbuild'
import { Server } from 'socket.io'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { BROWSERS, type Browser } from './support/browser.js'
import { startSite, type Site } from './support/site.js'

const parser: object = createRequire(import.meta.url)('socket.io-msgpack-parser') as object // it has no types

/** What the server gets: an object for each value, with bytes as Buffers. */
let arrived: unknown[]

/** A server that sends values back. */
async function startServer(options: object): Promise<string> {
  const http = createServer()
  const server = new Server(http, { cors: { origin: '*' }, ...options })
  arrived = []
  server.on('connection', (socket) => {
    const streams = socketStreams(socket)
    const sendBack = async (id: string): Promise<void> => {
      for await (const value of valuesOf(streams.createSource(id))) arrived.push(value)
      const sink = streams.createSink()
      socket.emit('back', sink.id)
      await writeAll(arrived, sink)
    }
    // A page whose values are refused leaves.
    socket.on('there', (id: string) => void sendBack(id).catch(() => {}))
    socket.on('text', (id: string) => {
      const sink = streams.createSink(id, { codec: 'buffer' })
      sink.onAccept = () => {
        sink.write(Buffer.from('a beginning'))
        setImmediate(() => sink.abort('the disk is full'))
      }
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => void server.close())
  // A server that listens on TCP has an address with a port.
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

describe.each(BROWSERS)('%s', (_name, launch) => {
  let browser: Browser
  let site: Site
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'values-'))
    const entry = fileURLToPath(new URL('pages/values.ts', import.meta.url))
    await build({ entryPoints: [entry], bundle: true, format: 'esm', outfile: join(folder, 'values.js') })
    site = await startSite({
      folders: { '/values/': folder },
      documents: { '/page': '<!doctype html><script type="module" src="/values/values.js"></script>' }
    })
    browser = await launch()
    return async () => {
      await browser[Symbol.asyncDispose]()
      await site[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    }
  })

  async function exchange(name: 'default' | 'msgpack', kind: 'bytes' | 'files'): Promise<unknown> {
    const url = await startServer(name === 'msgpack' ? { parser } : {})
    const page = await browser.open(`${site.origin}/page`)
    onTestFinished(() => page.close())
    return page.evaluate(`exchange('${url}', '${name}', '${kind}')`)
  }

  test.each(['default', 'msgpack'] as const)(
    'bytes within values arrive, and return, by the parser: %s',
    async (name) => {
      expect(await exchange(name, 'bytes')).toEqual([
        'Uint8Array 2 3',
        { nested: 'ArrayBuffer 2 3', list: ['ArrayBuffer 0 0 128 63'] },
        { buffer: 'ArrayBuffer 2 3', text: 'hällo' }
      ])
      expect(arrived).toEqual([
        Buffer.from([2, 3]),
        { nested: Buffer.from([2, 3]), list: [Buffer.from([0, 0, 0x80, 0x3f])] },
        { buffer: Buffer.from([2, 3]), text: 'hällo' }
      ])
    }
  )

  test('files arrive as bytes', async () => {
    expect(await exchange('default', 'files')).toEqual(['Uint8Array 97 98', { file: 'ArrayBuffer 99 100' }])
    expect(arrived).toEqual([Buffer.from('ab'), { file: Buffer.from('cd') }])
  })

  test('an abort keeps its reason, also where the browser hides it', async () => {
    const url = await startServer({})
    const page = await browser.open(`${site.origin}/page`)
    onTestFinished(() => page.close())
    expect(await page.evaluate(`readText('${url}')`)).toEqual({
      failure: expect.stringMatching(/^(TypeError|AbortError)$/),
      code: 'ERR_STREAM_RESET',
      message: 'Stream id: it was ended by the other side: the disk is full'
    })
  })

  test('files are refused where the parser does not carry them', async () => {
    expect(await exchange('msgpack', 'files')).toEqual({
      code: 'ERR_STREAM_CODEC',
      message: expect.stringContaining('a Blob is neither JSON nor binary')
    })
  })
})
