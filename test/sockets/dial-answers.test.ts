import { randomUUID } from 'node:crypto'
import { openDial, RawConnection } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { relay, relayBothWays } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test('what a callee may answer with is a short string for the dialer', async () => {
  const star = await openStar()
  const [dialer, callee] = [await star.join(), await star.join()]
  const answers: [answer: unknown, error: unknown][] = [
    ['busy', 'busy'],
    [{ message: 'not today' }, 'not today'],
    [{}, expect.stringMatching(/./)],
    [true, expect.stringMatching(/./)],
    [7, expect.stringMatching(/./)],
    [[[[['deep']]]], expect.stringMatching(/./)],
    ['x'.repeat(100_000), expect.stringMatching(/^.{1,1024}$/)]
  ]
  for (const [answer, error] of answers) {
    const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
    // One dial at a time: which answer belongs to which is the question.
    await callee.answer(answer)
    expect(await dialled).toEqual([error])
  }
  expect(star.server.stats().streams).toBe(0)
  expect(star.server.stats().refused['dial refused']).toBe(answers.length)
})

test.for([[[]], [[null]], [[false]], [[0]], [['']]] as const)('a callee accepts with %j', async ([answer]) => {
  const star = await openStar()
  const [dialer, callee] = [await star.join(), await star.join()]
  const dialled = dialer.dial(callee.address)
  const incoming = await callee.takeText(/^42\d+\["ss-incomming"/)
  callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}${JSON.stringify(answer)}`)
  await expect(dialled).resolves.toBeInstanceOf(RawConnection)
})

test('a callee that refuses ends the half that was open already', async () => {
  const star = await openStar()
  const [dialer, callee] = [await star.join(), await star.join()]
  const id = randomUUID()
  const near = new RawConnection(dialer, id, 'dialer')
  const dialled = dialer.request('ss-dial', dialer.address, callee.address, id)
  const incoming = await callee.takeText(/^42\d+\["ss-incomming"/)
  callee.emit(`socket.io-pull-stream.accept.${id}.dialer`)
  await near.accepted()
  callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}["no"]`)
  expect(await dialled).toEqual(['no'])

  near.write(Buffer.from('still here?'))
  await star.counted('the late chunk', (stats) => stats.dropped['unknown stream'] === 1)
  await callee.settle()
  expect(callee.unread.filter((packet) => String(packet).includes('.queue.'))).toEqual([])
  expect(star.server.stats().streams).toBe(0)
})

test('of two answers the first counts', async () => {
  const star = await openStar()
  const [dialer, callee] = [await star.join(), await star.join()]
  const refused = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
  const first = /^42(\d+)/.exec(await callee.takeText(/^42\d+\["ss-incomming"/))?.[1]
  callee.send(`43${first}["no"]`, `43${first}[]`)
  expect(await refused).toEqual(['no'])

  const id = randomUUID()
  const near = new RawConnection(dialer, id, 'dialer')
  const far = new RawConnection(callee, id, 'listener')
  const accepted = dialer.request('ss-dial', dialer.address, callee.address, id)
  const second = /^42(\d+)/.exec(await callee.takeText(/^42\d+\["ss-incomming"/))?.[1]
  far.accept()
  callee.send(`43${second}[]`, `43${second}["no"]`)
  expect(await accepted).toEqual([])
  near.accept()
  await Promise.all([near.accepted(), far.accepted()])
  await relayBothWays(near, far)
  await star.counted('two late answers', (stats) => stats.dropped['ack without request'] === 2)
})

test('a callee that never answers: the dial fails in time, and the callee hears that nothing will come', async () => {
  const star = await openStar({ dial: { ackTimeout: 100 } })
  const [dialer, callee] = [await star.join(), await star.join()]
  const id = randomUUID()
  const [error] = await dialer.request('ss-dial', dialer.address, callee.address, id)
  expect(error).toBeTypeOf('string')
  await callee.takeText(new RegExp(`^42\\["socket\\.io-pull-stream\\.error\\.${id}\\.dialer",".+"\\]$`))
  const stats = star.server.stats()
  expect(stats.refused['dial timeout']).toBe(1)
  expect(stats.streams).toBe(0)
})

test('a callee that leaves before it answers: the dial fails at once', async () => {
  const star = await openStar({ dial: { ackTimeout: 60_000 } })
  const [dialer, callee] = [await star.join(), await star.join()]
  const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
  await callee.takeText(/^42\d+\["ss-incomming"/)
  callee.wire.close()
  expect(await dialled).toEqual([expect.stringMatching(/./)])
  expect(star.server.stats().refused['peer left']).toBe(1)
})

test("the listener's half opens with the callee's answer: an earlier accept never reaches it", async () => {
  const star = await openStar()
  const [dialer, callee] = [await star.join(), await star.join()]
  const id = randomUUID()
  const near = new RawConnection(dialer, id, 'dialer')
  const dialled = dialer.request('ss-dial', dialer.address, callee.address, id)
  near.accept()
  const incoming = await callee.takeText(/^42\d+\["ss-incomming"/)
  await dialer.settle()
  await callee.settle()
  expect(callee.unread.filter((packet) => String(packet).includes('.accept.'))).toEqual([])
  callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}[]`)
  expect(await dialled).toEqual([])
  near.accept()
  await callee.takeEvent(`socket.io-pull-stream.accept.${id}.listener`)
})

test('the end of a half arrives as true or as a string, whatever it was sent with', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  const ends: [sent: unknown[], received: unknown][] = [
    [[true], true],
    [['went wrong'], 'went wrong'],
    [[false], true],
    [[null], true],
    [[0], true],
    [[''], true],
    [[], true]
  ]
  for (const [sent, received] of ends) {
    const { near, far } = await openDial(dialer, listener)
    near.end(...sent)
    expect(await far.ended(), JSON.stringify(sent)).toEqual([received])
  }
})

test('one half may go on after the other has ended', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  near.end(true)
  expect(await far.ended()).toEqual([true])
  await relay(far, near)
  far.end(true)
  expect(await near.ended()).toEqual([true])
  expect(star.server.stats().streams).toBe(0)
})

test('dialling someone who is not there, or is oneself, is answered with a string', async () => {
  const star = await openStar()
  const [dialer, gone] = [await star.join(), await star.join()]
  await gone.leave()
  await star.counted('one session', (stats) => stats.sessions === 1)
  await expect(dialer.dial(gone.address)).rejects.toThrow(/^Peer not found$/)
  await expect(dialer.dial(dialer.address)).rejects.toThrow(/./)
  await expect(dialer.dial(dialer.address, randomUUID(), gone.address)).rejects.toThrow(
    /^Not authorized for this address/
  )
  expect(dialer.unread.filter((packet) => String(packet).includes('ss-incomming'))).toEqual([])
})
