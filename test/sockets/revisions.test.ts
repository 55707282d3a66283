import { randomBytes } from 'node:crypto'
import { connectRaw, openDial, PollingWire, type RawOptions, RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { relay, relayBothWays } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test.for(['2', null] as const)('a peer of EIO=%s is served as one of revision 3', async (eio) => {
  const star = await openStar()
  const peer = new RawPeer(star.url, { eio })
  expect(await peer.next()).toMatch(/^0\{/)
  expect(await peer.next()).toBe('40')
  peer.send('2')
  expect(await peer.next()).toBe('3')
  peer.wire.close()
  const { near, far } = await openDial(await star.join({ eio }), await star.join())
  await relayBothWays(near, far)
})

test('a peer of revision 4 asks for the namespace itself', async () => {
  const star = await openStar()
  const peer = new RawPeer(star.url, { eio: '4' })
  expect(await peer.next()).toMatch(/^0\{"sid":"[\w-]{20}","upgrades":\[\],"pingInterval":25000,"pingTimeout":60000,/)
  peer.send('40')
  expect(await peer.next()).toMatch(/^40\{"sid":"[^"]+"[,}]/)
  peer.wire.close()
})

test.for(['websocket', 'polling'] as const)(
  'the id that %s is told for the public opens no session',
  async (transport) => {
    const star = await openStar()
    const peer = await star.connect({ eio: '4', transport })
    const [secret, id] = ['0', '40'].map((type) => {
      const packet = peer.frames.find((frame) => typeof frame === 'string' && frame.startsWith(`${type}{`))
      return (JSON.parse(String(packet).slice(type.length)) as { sid: string }).sid
    })
    expect(id).toMatch(/^.{20,}$/)
    expect(peer.frames.filter((frame) => frame.includes(String(secret)))).toHaveLength(1)
    const poll = await fetch(`${star.url}/socket.io/?EIO=4&transport=polling&sid=${id}`)
    expect(await poll.json()).toEqual({ code: 1, message: 'Session ID unknown' })
  }
)

test('a peer of revision 4 is pinged, one of revision 3 pings; both are closed when silent', async () => {
  const star = await openStar({ heartbeat: { interval: 200, timeout: 1_000 } })
  const answering = await star.connect({ eio: '4' })
  await answering.until('three pings', () =>
    answering.frames.filter((frame) => frame === '2').length >= 3 ? true : undefined
  )
  answering.wire.close()
  const silent = [await star.connect({ eio: '3' }), await star.connect({ eio: '3', transport: 'polling' })]
  await Promise.all(silent.map(async (peer) => await peer.closed))
  const stats = await star.counted('the closed', (stats) => stats.closed['heartbeat timeout'] === 2)
  expect(stats.sessions).toBe(0)
})

test.for([
  { eio: '3', wire: 'b4' },
  { eio: '4', wire: 'b' }
] as const)('b64=1 with EIO=$eio: binary is text both ways', async ({ eio, wire }) => {
  const star = await openStar()
  const [peer, other] = [await star.join({ eio, base64: true }), await star.join()]
  const { near, far } = await openDial(peer, other)
  const chunk = randomBytes(1000)
  peer.send(`451-["socket.io-pull-stream.queue.${near.sends}",{"_placeholder":true,"num":0}]`)
  peer.send(`${wire}${chunk.toString('base64')}`)
  expect(await far.received(1)).toEqual([chunk])
  far.write(chunk)
  await near.received(1)
  expect(peer.frames.at(-1)).toBe(`${wire}${chunk.toString('base64')}`)
  await relayBothWays(near, far)
})

test('a polling peer of EIO3 gets the open packet and the namespace in its first payload', async () => {
  const star = await openStar()
  const peer = await connectRaw(star.url, { transport: 'polling' })
  const { payloads } = peer.wire as PollingWire
  expect(payloads[0]).toMatch(
    /^(\d+):0\{"sid":"[\w-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":60000,"maxPayload":980000\}2:40$/
  )
  peer.wire.close()
})

const pollers: RawOptions[] = [
  { eio: '3' },
  { eio: '3', base64: true },
  { eio: '2' },
  { eio: null },
  { eio: '4' },
  { eio: '4', base64: true }
]

test.for(pollers)('polling with %o: joins, dials, is dialled and relays', async (options) => {
  const star = await openStar()
  const [polling, other] = [await star.join({ ...options, transport: 'polling' }), await star.join()]
  const dialled = await openDial(polling, other)
  await relay(dialled.near, dialled.far)
  await relay(dialled.far, dialled.near)
  const incoming = await openDial(other, polling)
  await relay(incoming.near, incoming.far)
  await relay(incoming.far, incoming.near)
})

test('two polling peers relay to each other', async () => {
  const star = await openStar()
  const [first, second] = [
    await star.join({ eio: '3', transport: 'polling' }),
    await star.join({ eio: '4', transport: 'polling' })
  ]
  const { near, far } = await openDial(first, second)
  await relayBothWays(near, far)
})
