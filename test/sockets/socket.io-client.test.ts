import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { ClientPeer, type ClientStream, type Major } from '../support/raw-socket.io.js'
import { openStar, type RawStar } from '../support/raw-star.js'

const majors: Major[] = [2, 3, 4]
const pairs = majors.flatMap((dialer) => majors.map((listener) => ({ dialer, listener })))

/** Bytes of the chunks, each way. */
const sizes = [0, 1, 60, 1024, 65_536, 0, 65_537, 200_000]

async function joined(star: RawStar, major: Major, transports?: readonly string[]): Promise<ClientPeer> {
  const peer = new ClientPeer(major, star.url, transports)
  await peer.join(await createIdentity(), star.prefix)
  return peer
}

/** Random chunks both ways at once, compared byte for byte after both have ended. */
async function exchange(near: ClientStream, far: ClientStream): Promise<void> {
  const [there, back] = [sizes.map((size) => randomBytes(size)), sizes.map((size) => randomBytes(size))]
  for (const chunk of there) near.send(chunk)
  for (const chunk of back) far.send(chunk)
  near.end()
  far.end()
  const [atFar, atNear] = await Promise.all([far.received, near.received])
  expect(atFar.map((chunk) => chunk.length)).toEqual(sizes)
  expect(atNear.map((chunk) => chunk.length)).toEqual(sizes)
  expect(Buffer.concat(atFar).equals(Buffer.concat(there))).toBe(true)
  expect(Buffer.concat(atNear).equals(Buffer.concat(back))).toBe(true)
}

test.for(pairs)('over WebSockets socket.io-client $dialer dials $listener', async ({ dialer, listener }) => {
  const star = await openStar()
  const [a, b] = await Promise.all([joined(star, dialer, ['websocket']), joined(star, listener, ['websocket'])])
  const [near, far] = await Promise.all([a.dial(b), b.listen()])
  await exchange(near, far)
  expect(star.server.stats()).toMatchObject({ streams: 0, dropped: {}, closed: {}, refused: {} })
})

test.for(pairs)('from polling to WebSocket socket.io-client $dialer dials $listener', async ({ dialer, listener }) => {
  const star = await openStar()
  const [a, b] = await Promise.all([joined(star, dialer), joined(star, listener)])
  const [near, far] = await Promise.all([a.dial(b), b.listen()])
  await exchange(near, far)
  await Promise.all([a.upgraded(), b.upgraded()])
  const [later, laterFar] = await Promise.all([a.dial(b), b.listen()])
  await exchange(later, laterFar)
  expect(star.server.stats()).toMatchObject({ streams: 0, dropped: {}, closed: {}, refused: {} })
})

test.for(majors)('socket.io-client %i that only polls dials and is dialled', async (major) => {
  const star = await openStar()
  const [polling, other] = await Promise.all([joined(star, major, ['polling']), joined(star, 4, ['websocket'])])
  const [near, far] = await Promise.all([polling.dial(other), other.listen()])
  await exchange(near, far)
  const [away, home] = await Promise.all([other.dial(polling), polling.listen()])
  await exchange(away, home)
})
