import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HOLD, StrayEvents, type StreamEvent } from '../src/stray-events.js'

let strays: StrayEvents
let answers: [stream: string, reason: string][]

beforeEach(() => {
  vi.useFakeTimers()
  answers = []
  strays = new StrayEvents((...answer) => answers.push(answer))
})
afterEach(() => vi.useRealTimers())

function event(kind: StreamEvent['kind'], stream = 'id'): StreamEvent {
  return { kind, stream, argument: undefined }
}

describe('an acceptance', () => {
  test('is kept for its sink, with the end that follows it', () => {
    for (const kind of ['accept', 'error', 'error'] as const) strays.add(event(kind))
    expect(strays.sourceOpened('id')).toEqual([])
    expect(strays.sinkOpened('id')).toEqual([event('accept'), event('error')])
    vi.advanceTimersByTime(2 * HOLD)
    expect(answers).toEqual([])
  })

  test('is answered after a while', () => {
    strays.add(event('accept'))
    vi.advanceTimersByTime(HOLD)
    expect(answers).toEqual([['id', 'Unknown stream']])
    expect(strays.sinkOpened('id')).toEqual([])
  })

  test('of a sink that has ended is answered at once, with its reason', () => {
    strays.sinkEnded('id', 'the disk is full')
    strays.add(event('accept'))
    expect(answers).toEqual([['id', 'the disk is full']])
  })

  test('is answered at once if many are kept, or its id is long', () => {
    for (let count = 0; count < 1000; count++) strays.add(event('accept', `${count}`))
    expect(answers).toHaveLength(1000 - 256)
    strays.clear()
    strays.add(event('accept', 'x'.repeat(1000)))
    expect(answers).toHaveLength(1000 - 256 + 1)
    vi.advanceTimersByTime(2 * HOLD)
    expect(answers).toHaveLength(1000 - 256 + 1)
  })
})

describe('a chunk', () => {
  test('is answered once', () => {
    for (let count = 0; count < 10; count++) strays.add(event('queue'))
    expect(answers).toEqual([['id', 'Unknown stream']])
  })

  test('of a source that has ended is not, until another is opened', () => {
    strays.sourceEnded('id')
    strays.add(event('queue'))
    expect(answers).toEqual([])
    strays.sourceOpened('id')
    strays.add(event('queue'))
    expect(answers).toHaveLength(1)
  })

  test('is remembered for the latest streams only', () => {
    for (let count = 0; count < 1000; count++) strays.sourceEnded(`${count}`)
    for (const stream of ['999', '744', '743']) strays.add(event('queue', stream))
    expect(answers).toEqual([['743', 'Unknown stream']])
  })
})
