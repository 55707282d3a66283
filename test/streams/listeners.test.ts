import attach from '@websocket-star/streams/pull-stream'
import { socketStreams } from '@websocket-star/streams'
import { describe, expect, test } from 'vitest'
import { openStream, readAll } from './flows.js'
import { connect, settled, someVersions, type TestSocket } from './sockets.js'

/** What listens on a socket: to the end of the connection, to every event, to packets. */
function listenersOf(socket: TestSocket): unknown[] {
  return [
    socket.listeners('disconnect').length,
    socket.listenersAny?.().length,
    Object.hasOwn(socket, 'onevent') ? 'wrapped' : 'as it was'
  ]
}

describe.each(someVersions)('socket.io $server', (combination) => {
  test('each socket is listened to once, and after the close not at all', async () => {
    const { client, server } = await connect(combination)
    const sockets = [client, server]
    const [before] = sockets.map(listenersOf)
    const names = sockets.map((socket) => (socket as unknown as { eventNames?(): unknown[] }).eventNames?.().length)
    const prototypes = sockets.map(({ onevent }) => onevent)
    expect(sockets.map(listenersOf)).toEqual([before, before])

    for (let count = 0; count < 20; count++) {
      await openStream(client, server, { codec: 'plain' })
      await openStream(server, client, { codec: 'plain' })
    }
    attach(client)
    const [disconnect, any, packets] = before ?? []
    const isOld = any === undefined
    const once = [Number(disconnect) + 1, isOld ? undefined : Number(any) + 1, isOld ? 'wrapped' : packets]
    expect(sockets.map(listenersOf)).toEqual([once, once])
    expect([socketStreams(client).size, socketStreams(server).size]).toEqual([40, 40])

    for (const socket of sockets) socketStreams(socket).close()
    expect(sockets.map(listenersOf)).toEqual([before, before])
    expect(sockets.map(({ onevent }) => onevent)).toEqual(prototypes)
    expect(sockets.map((socket) => (socket as unknown as { eventNames?(): unknown[] }).eventNames?.().length)).toEqual(
      names
    )
    expect(sockets.map(({ connected }) => connected)).toEqual([true, true])
  })

  test('a close ends the streams of the other side, which can open new ones', async () => {
    const { client, server } = await connect(combination)
    const { source } = await openStream(client, server, { codec: 'plain' })
    socketStreams(client).close('the page is left')
    expect((await readAll(source)).error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the page is left' })
    const again = await openStream(client, server, { codec: 'plain' })
    const read = readAll(again.source)
    again.sink.write('value')
    again.sink.end()
    expect(await read).toEqual({ values: ['value'], error: undefined })
  })

  test('an event whose name is a number harms nobody', async () => {
    const { client, server } = await connect(combination)
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      socketStreams(to)
      from.emit(7 as unknown as string)
      await settled(from, to)
    }
  })

  test('other events of the application are heard as ever', async () => {
    const { client, server } = await connect(combination)
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      socketStreams(to)
      const heard = new Promise((resolve) => {
        to.once('news', (...args: unknown[]) => {
          const answer = args.pop() as (text: string) => void // the acknowledgement
          answer('thanks')
          resolve(args)
        })
      })
      const answered = new Promise((resolve) => from.emit('news', 1, { two: 2 }, Buffer.from([3]), resolve))
      expect(await heard).toEqual([1, { two: 2 }, Buffer.from([3])])
      expect(await answered).toBe('thanks')
    }
  })
})
