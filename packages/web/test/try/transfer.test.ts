import { expect, test } from 'vitest'
import { Transfer } from '../../src/try/transfer.js'

function started(size = 10_000): Transfer {
  const transfer = new Transfer({ id: 'a', name: 'file.bin', size })
  transfer.start(0)
  return transfer
}

test('its rate is an average of the last seconds, from which follows what remains', () => {
  const transfer = started(1_000_000)
  expect(transfer.remaining).toBeUndefined()
  for (let now = 250; now <= 20_000; now += 250) {
    transfer.bytes += 2_500
    transfer.updateRate(now)
  }
  expect(transfer.rate).toBeCloseTo(10_000)
  expect(transfer.remaining).toBeCloseTo(80_000)
})

test('it is held when nothing has moved for a while, until something does', () => {
  const transfer = started()
  transfer.bytes = 100
  transfer.updateRate(1_000)
  expect(transfer.isStalled(2_400)).toBe(false)
  transfer.updateRate(2_600)
  expect(transfer.isStalled(2_600)).toBe(true)
  transfer.bytes = 200
  transfer.updateRate(2_700)
  expect(transfer.isStalled(2_700)).toBe(false)
})

test('who waits for a paused one goes on when it is resumed, or over', async () => {
  for (const goOn of [(one: Transfer) => one.resume(), (one: Transfer) => one.end('stopped')]) {
    const transfer = started()
    await transfer.untilResumed()
    transfer.pause()
    let isOn = false
    const waiting = transfer.untilResumed().then(() => (isOn = true))
    await Promise.resolve()
    expect(isOn).toBe(false)
    goOn(transfer)
    await waiting
  }
})

test('its end is its last word, and aborts what goes on unless it is done', () => {
  const [done, failed] = [started(), started()]
  done.end('done')
  failed.end('failed', 'the line is cut')
  failed.end('done')
  expect(done.signal.aborted).toBe(false)
  expect(failed).toMatchObject({ state: 'failed', problem: 'the line is cut', isOver: true })
  expect(failed.signal.reason).toEqual(new Error('the line is cut'))
})
