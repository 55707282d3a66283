import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

async function load(): Promise<(callback: () => void) => void> {
  return (await import('../src/macrotask.js')).queueMacrotask
}

describe.each(['in Node', 'in a browser'])('a macrotask %s', (where) => {
  test('runs after all promises, once for each call, in order', async () => {
    const immediate = globalThis.setImmediate
    if (where === 'in a browser') vi.stubGlobal('setImmediate', undefined)
    const queueMacrotask = await load()
    if (where === 'in a browser') expect(queueMacrotask).not.toBe(immediate)
    const order: string[] = []
    await new Promise<void>((resolve) => {
      queueMacrotask(() => order.push('first'))
      queueMacrotask(() => order.push('second'))
      queueMacrotask(resolve)
      void Promise.resolve()
        .then(() => order.push('promise'))
        .then(() => order.push('and what came of it'))
      order.push('now')
    })
    expect(order).toEqual(['now', 'promise', 'and what came of it', 'first', 'second'])
  })
})
