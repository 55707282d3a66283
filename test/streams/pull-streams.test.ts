import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { randomBytes } from 'node:crypto'
import { pullSink, pullSource, socketStreams } from '@websocket-star/streams'
import sp from '@websocket-star/streams/pull-stream'
import { eventually, within } from '@websocket-star/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { End, Sink, Source } from '../support/legacy-types.js'
import { differenceOfBytes, pull as untypedPull } from '../support/streams.js'
import { finished, openStream, readAll } from './flows.js'
import { addLegacyStreams, type AddStreams, type LegacySocket } from './legacy.js'
import { connect, someVersions } from './sockets.js'

/** The real pull-stream, with what is used of it here. */
const pull = untypedPull as typeof untypedPull & {
  infinite(make: () => unknown): Source<unknown>
  drain(each: (value: unknown) => boolean | void, done: (end: unknown) => void): Sink<unknown> & { abort(): void }
  error(error: Error): Source<never>
}

/** A pull-stream of a file, as stream-to-pull-stream makes one. */
function ofFile(path: string): Source<unknown> {
  const chunks = createReadStream(path)[Symbol.asyncIterator]()
  const next = async (callback: (end: End | null, chunk?: unknown) => void): Promise<void> => {
    const { done, value } = await chunks.next()
    callback(done === true ? true : null, value)
  }
  return (abort, callback) => (abort === null ? void next(callback) : callback(abort))
}

describe('pull-streams', () => {
  test('flow through', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'plain' })
    const values = Array.from({ length: 1000 }, (_, index) => ({ index }))
    const collected = new Promise((resolve, reject) => {
      pull(
        pullSource(source) as Source<unknown>,
        pull.collect((error, values) => (error ? reject(error) : resolve(values)))
      )
    })
    pull(pull.values(values), pullSink(sink) as Sink<unknown>)
    expect(await within('all values', collected)).toEqual(values)
  })

  test('that are not read hold what is pulled', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, {
      codec: 'plain',
      sink: { highWaterMark: 10_000 },
      source: { window: { initial: 10_000, max: 10_000 } }
    })
    let pulled = 0
    const endless = pull.infinite(() => {
      pulled++
      return 'x'.repeat(1000)
    })
    pull(endless, pullSink(sink) as Sink<unknown>)
    await eventually('the window to be full', () => source.readableLength >= 10_000)
    expect(pulled).toBeLessThanOrEqual(21)
    const failed = finished(sink)
    // It takes a few, and stops: the sender hears it.
    const taken = await new Promise((resolve) => {
      pull(
        pull(pullSource(source) as Source<unknown>, pull.take(3)),
        pull.collect((_end, values) => resolve(values))
      )
    })
    expect(taken).toHaveLength(3)
    expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the reader has left' })
  })

  test('that are aborted while they wait say so', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'plain' })
    const failed = finished(sink)
    const ended = new Promise((resolve) => {
      const drain = pull.drain(() => {}, resolve)
      pull(pullSource(source) as Source<unknown>, drain)
      drain.abort()
    })
    await within('the end', ended)
    expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET' })
  })

  test('that fail say why at the other side', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'plain' })
    pull(pull.error(new Error('the disk is full')), pullSink(sink) as Sink<unknown>)
    expect((await readAll(source)).error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
  })
})

const modules: Record<string, AddStreams> = { old: addLegacyStreams, new: sp as AddStreams }

describe.each(someVersions.filter(({ server }) => server !== 3))(
  "the old README's example, with socket.io $server",
  (v) => {
    test.each([
      { server: 'old', client: 'old' },
      { server: 'new', client: 'old' },
      { server: 'old', client: 'new' },
      { server: 'new', client: 'new' }
    ])('the $server module at the server, the $client one at the client', async (modulesOf) => {
      const folder = await mkdtemp(join(tmpdir(), 'streams-'))
      const contents = randomBytes(300_000)
      const file = join(folder, 'some_file.txt')
      await writeFile(file, contents)
      try {
        const { client, server } = await connect(v)
        // The old one throws when it is not given options, in its README's example too.
        const options = modulesOf.client === 'old' || modulesOf.server === 'old' ? {} : undefined
        // Client:
        modules[modulesOf.client]?.(client, options)
        const received = new Promise<Buffer[]>((resolve, reject) => {
          client.once('file', (id: string) => {
            pull(
              (client as LegacySocket).createSource(id),
              pull.collect((error, data) => (error ? reject(error) : resolve(data as Buffer[])))
            )
          })
        })
        // Server:
        modules[modulesOf.server]?.(server, options)
        const sink = (server as LegacySocket).createSink()
        server.emit('file', sink.id)
        pull(ofFile(file), sink)

        expect(differenceOfBytes(await within('the file', received), [contents])).toBeUndefined()
        if (modulesOf.client === 'new') expect(socketStreams(client).size).toBe(0)
        if (modulesOf.server === 'new') expect(socketStreams(server).size).toBe(0)
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  }
)

describe('required as the old module was', () => {
  const features = process.features as { require_module?: unknown }
  const run = promisify(execFile)
  const here = fileURLToPath(new URL('.', import.meta.url))
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(here, '.require-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test.skipIf(!features.require_module)(
    '(needs a Node that can require modules) it is the function itself',
    async () => {
      const script = join(folder, 'script.cjs')
      await writeFile(
        script,
        `const sp = require('@websocket-star/streams/pull-stream')
const { Server } = require('socket.io')
const { io } = require('socket.io-client')
const pull = require('pull-stream')

const server = new Server(0)
server.on('connection', (client) => {
  sp(client)
  const sink = client.createSink()
  client.emit('file', sink.id)
  pull(pull.values(['some', 'text']), sink)
})
const socket = io('http://127.0.0.1:' + server.httpServer.address().port)
sp(socket)
socket.on('file', (id) => {
  pull(
    socket.createSource(id),
    pull.collect((error, data) => {
      if (error) throw error
      console.log(typeof sp, data.join(' '))
      socket.disconnect()
      server.close()
    })
  )
})
`
      )
      const { stdout } = await run(process.execPath, [script], { timeout: 60_000 })
      expect(stdout).toBe('function some text\n')
    }
  )
})
