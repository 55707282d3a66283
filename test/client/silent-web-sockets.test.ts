import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { startFrameHolder } from '../support/frame-holder.js'
import { startStar } from '../support/star.js'
import { echoing, joinClient, roundTripText, untilPeers, untilStatus } from '../support/star-client.js'

test('after a WebSocket that was not answered, attempts begin with polling until a WebSocket works', async () => {
  await using star = await startStar()
  await using holder = await startFrameHolder(star.port)
  const { connections } = holder
  const client = await joinClient(holder.url, { transports: ['websocket', 'polling'], connectTimeout: 2_000 })
  echoing(client)
  const other = await joinClient(star)
  expect(connections.slice(0, 2)).toEqual(['websocket', 'http'])
  await untilPeers(other, 'the client', () => other.peers.has(client.peerId))
  expect(await roundTripText(await other.dial(client.peerId), 'by polling')).toBe('by polling')

  const rejoins = async (): Promise<string[]> => {
    const before = connections.length
    holder.reset()
    await star.stop()
    await untilStatus(client, 'the loss', () => client.servers[0]?.state !== 'joined')
    await star.restart()
    await untilStatus(client, 'the return', () => client.servers[0]?.state === 'joined')
    return connections.slice(before)
  }
  expect((await rejoins())[0]).toBe('http')
  holder.release()
  expect((await rejoins())[0]).toBe('http')
  // Once it has upgraded.
  await eventually('an attempt that begins with a WebSocket', async () => (await rejoins())[0] === 'websocket')
})
