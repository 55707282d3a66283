import { randomUUID } from 'node:crypto'
import { openDial, RawConnection } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const text = expect.stringMatching(/./)

test('dialling from an address one does not hold, and dialling oneself', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, stranger] = [await star.join(), await star.connect()]
  const { address } = attacker
  const foreign = [
    pair.dialer.address,
    pair.listener.address,
    star.prefix,
    `${address}x`,
    address.replace('/ws', '/wss')
  ]
  for (const from of foreign) {
    for (const peer of [attacker, stranger]) {
      const [error] = await peer.request('ss-dial', from, pair.listener.address, randomUUID())
      expect(['Not authorized for this address', 'Invalid multiaddr'], from).toContain(error)
    }
  }
  await expect(attacker.dial(address)).rejects.toThrow(/^Cannot dial own peer$/)
  await expect(attacker.dial(address.replace('/ipfs/', '/p2p/'))).rejects.toThrow(/^Cannot dial own peer$/)
  attacker.emit('ss-leave', address)
  await expect(attacker.dial(pair.listener.address, randomUUID(), address)).rejects.toThrow(/^Not authorized/)
  expect(star.server.stats()).toMatchObject({ streams: 2, dials: { success: 1, failure: 13 } })
  expect(attacker.unread.filter((packet) => String(packet).includes('ss-incomming'))).toEqual([])
  await pair.check()
})

test('chunks that do not wait for the callee reset the stream, and are kept nowhere', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee] = [await star.join(), await star.join()]
  const id = randomUUID()
  const near = new RawConnection(dialer, id, 'dialer')
  const far = new RawConnection(callee, id, 'listener')
  const dialled = dialer.request('ss-dial', dialer.address, callee.address, id)
  near.write(...Array.from({ length: 3000 }, () => Buffer.from('early')))
  const incoming = await callee.takeText(/^42\d+\["ss-incomming"/)
  far.accept()
  callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}[]`)
  expect(await dialled).toEqual([text])
  await Promise.all([dialer.settle(), callee.settle()])
  expect(far.chunks).toEqual([])
  expect(callee.unread.filter((packet) => String(packet).includes('.accept.'))).toEqual([])
  expect(star.server.stats()).toMatchObject({
    streams: 2,
    relayed: { chunks: 0 },
    reset: { 'data before accept': 1 },
    refused: { 'stream reset': 1 },
    // The first chunk ended it; the others and the callee's accept came too late.
    dropped: { 'unknown stream': 3000 }
  })
  await pair.check()
})

test('a half that its receiver never accepts ends in time, alone', async () => {
  const star = await openStar({ dial: { acceptTimeout: 3_000 } })
  const [dialer, callee] = [await star.join(), await star.join()]
  const [near, far] = await Promise.all([dialer.dial(callee.address), callee.answer()])
  await near.accepted()
  // The dialer does not accept: the callee is told that it cannot send.
  expect(await callee.takeEvent(`socket.io-pull-stream.error.${far.sends}`)).toEqual([text])
  await relay(near, far)
  expect(star.server.stats()).toMatchObject({ streams: 1, reset: { 'not accepted': 1 } })
})

test('a party that goes ends its streams, and what is sent to it afterwards goes nowhere', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee] = [await star.join(), await star.join()]
  const dials = await Promise.all(Array.from({ length: 20 }, async () => await openDial(dialer, callee)))
  dialer.wire.close()
  for (const { far } of dials) {
    expect(await far.ended()).toEqual([true])
    expect(await callee.takeEvent(`socket.io-pull-stream.error.${far.sends}`)).toEqual([true])
    far.write(Buffer.alloc(1000))
  }
  await star.counted('the late chunks', ({ dropped }) => dropped['unknown stream'] === 20)
  expect(star.server.stats()).toMatchObject({ streams: 2, sessions: 3 })
  await pair.check()
})

test('an answer without a value, and answers nobody asked for', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee] = [await star.join(), await star.join()]
  const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
  const incoming = await callee.takeText(/^42\d+\["ss-incomming"/)
  const ack = /^42(\d+)/.exec(incoming)?.[1]
  pair.listener.send(`43${ack}["stolen"]`, '43999[]')
  callee.send(`43${Number(ack) + 1}[]`)
  await callee.settle()
  expect(dialer.unread.filter((packet) => !String(packet).startsWith('42["ws-peer"'))).toEqual([])
  callee.send(`43${ack}`)
  expect(await dialled).toEqual([text])
  await star.counted('nothing left', ({ streams }) => streams === 2)
  await pair.check()
})
