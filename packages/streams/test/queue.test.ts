import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Queue } from '../src/queue.js'

describe('a queue', () => {
  test('behaves as an array that is shifted', () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.integer().map((value) => ({ push: value })) },
      { weight: 5, arbitrary: fc.constantFrom('shift' as const, 'first' as const) },
      { weight: 1, arbitrary: fc.constant('clear' as const) }
    )
    fc.assert(
      fc.property(fc.array(action, { size: '+1' }), (actions) => {
        const queue = new Queue<number>()
        let model: number[] = []
        for (const what of actions) {
          if (what === 'shift') expect(queue.shift()).toBe(model.shift())
          else if (what === 'first') expect(queue.first).toBe(model[0])
          else if (what === 'clear') {
            queue.clear()
            model = []
          } else {
            queue.push(what.push)
            model.push(what.push)
          }
          expect(queue.isEmpty).toBe(model.length === 0)
          expect(queue.size).toBe(model.length)
        }
      })
    )
  })

  test('stays in order through tens of thousands, and never has them all', () => {
    const queue = new Queue<number>()
    let [pushed, shifted] = [0, 0]
    for (let round = 0; round < 2000; round++) {
      for (let more = 0; more < 30; more++) queue.push(pushed++)
      for (let less = 0; less < 29; less++) if (queue.shift() !== shifted++) throw new Error(`Lost ${shifted - 1}`)
    }
    expect(queue.first).toBe(shifted)
    while (!queue.isEmpty) if (queue.shift() !== shifted++) throw new Error(`Lost ${shifted - 1}`)
    expect(shifted).toBe(pushed)
  })

  test('has a first that can be replaced', () => {
    const queue = new Queue<string>()
    queue.push('a')
    queue.push('b')
    queue.shift()
    queue.first = 'c'
    expect([queue.shift(), queue.isEmpty]).toEqual(['c', true])
  })
})
