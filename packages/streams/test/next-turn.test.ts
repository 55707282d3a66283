import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

async function load(): Promise<(callback: () => void) => void> {
  return (await import('../src/next-turn.js')).nextTurn
}

describe.each(['in Node', 'in a browser'])('the next turn %s', (where) => {
  test('is after all promises, once for each call, in order', async () => {
    const immediate = globalThis.setImmediate
    if (where === 'in a browser') vi.stubGlobal('setImmediate', undefined)
    const nextTurn = await load()
    if (where === 'in a browser') expect(nextTurn).not.toBe(immediate)
    const order: string[] = []
    await new Promise<void>((resolve) => {
      nextTurn(() => order.push('first'))
      nextTurn(() => order.push('second'))
      nextTurn(resolve)
      void Promise.resolve()
        .then(() => order.push('promise'))
        .then(() => order.push('and what came of it'))
      order.push('now')
    })
    expect(order).toEqual(['now', 'promise', 'and what came of it', 'first', 'second'])
  })
})
