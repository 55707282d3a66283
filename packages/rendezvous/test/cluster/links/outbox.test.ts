import { describe, expect, test } from 'vitest'
import { Outbox } from '../../../src/cluster/links/outbox.js'
import { BufferPool } from '../../../src/cluster/links/buffer-pool.js'
import { data, grant } from './network.js'

const HEAD = 40
const CHUNK = 65_536
const FRAME = 13
const SIZE = HEAD + FRAME
/** Envelopes in flight: one that begins within the window may exceed it. */
const WINDOW = SIZE * 3

function filled(count: number): Outbox {
  const outbox = new Outbox(HEAD, new BufferPool())
  for (let channel = 1; channel <= count; channel++) {
    outbox.gather(grant(channel), FRAME)
    outbox.seal()
  }
  return outbox
}

/** Takes all envelopes that may be sent now. @returns their numbers */
function leaving(outbox: Outbox): number[] {
  const numbers: number[] = []
  for (let next = outbox.next(WINDOW); next !== undefined; next = outbox.next(WINDOW)) numbers.push(next.sequence)
  return numbers
}

describe('an outbox', () => {
  test('sends a window, and more when some is acknowledged', () => {
    const outbox = filled(6)
    expect([leaving(outbox), outbox.last, outbox.bytes]).toEqual([[1, 2, 3], 3, SIZE * 6])
    expect(outbox.acknowledge(2)).toBe(true)
    expect([leaving(outbox), outbox.last, outbox.bytes]).toEqual([[4, 5], 5, SIZE * 4])
  })

  test('retransmits what is not acknowledged', () => {
    const outbox = filled(6)
    leaving(outbox)
    outbox.acknowledge(1)
    outbox.rewind(0)
    expect([outbox.last, outbox.sent]).toEqual([1, 3])
    expect(leaving(outbox)).toEqual([2, 3, 4])
    expect([outbox.last, outbox.sent]).toEqual([4, 4])
  })

  test('skips what is acknowledged after a rewind', () => {
    const outbox = filled(9)
    leaving(outbox)
    outbox.rewind(0)
    expect(outbox.next(WINDOW)?.sequence).toBe(1)
    outbox.acknowledge(3)
    expect([outbox.last, leaving(outbox), outbox.isEmpty]).toEqual([3, [4, 5, 6], false])
    outbox.acknowledge(9)
    expect([outbox.bytes, outbox.isEmpty]).toEqual([0, true])
  })

  test('recognises an acknowledgement without news', () => {
    const outbox = filled(2)
    leaving(outbox)
    outbox.acknowledge(1)
    expect([outbox.acknowledge(1), outbox.acknowledge(0), outbox.bytes]).toEqual([false, false, SIZE])
  })

  test('backs off between retransmissions until something is acknowledged', () => {
    const outbox = filled(2)
    leaving(outbox)
    const times: number[] = []
    for (let now = 0; now <= 3_500; now += 10) {
      if (now === 3_200) outbox.acknowledge(1)
      if (!outbox.mayRewind(now < 3_200 ? 0 : 1, now)) continue
      times.push(now)
      outbox.rewind(now)
      leaving(outbox)
    }
    expect(times).toEqual([0, 50, 150, 350, 750, 1_550, 2_350, 3_150, 3_200, 3_250, 3_350])
  })

  test('does not retransmit for a nack older than the last acknowledgement', () => {
    const outbox = filled(3)
    leaving(outbox)
    outbox.acknowledge(2)
    expect([outbox.mayRewind(1, 0), outbox.mayRewind(2, 0)]).toEqual([false, true])
  })

  test('reuses the memory of acknowledged envelopes only', () => {
    const outbox = new Outbox(HEAD, new BufferPool())
    const send = (): Buffer | undefined => {
      outbox.gather(data(1, CHUNK), CHUNK + 9)
      outbox.seal()
      return outbox.next(Infinity)?.bytes
    }
    const [first, second] = [send(), send()]
    outbox.rewind(0)
    const again = outbox.next(Infinity)
    outbox.acknowledge(1)
    outbox.next(Infinity)
    const third = send()
    expect([first?.length, third?.length, again?.isRetransmission]).toEqual([HEAD + CHUNK + 9, HEAD + CHUNK + 9, true])
    expect(third?.buffer).toBe(first?.buffer)
    expect(third?.buffer).not.toBe(second?.buffer)
    expect(again?.bytes.buffer).not.toBe(first?.buffer)
  })
})
