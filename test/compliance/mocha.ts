import * as vitest from 'vitest'

type Hook = () => unknown
interface Context {
  timeout(milliseconds: number): void
  skip(): never
}

/** Milliseconds: more than any of them takes here. */
const TIMEOUT = 360_000

/** Runs a suite that was written for mocha: its globals are vitest's, and `this` has what the suite uses of it. */
export function runMochaSuite(define: () => void): void {
  const hook = (add: (hook: Hook) => void) => (first: string | Hook, second?: Hook) => {
    add(typeof first === 'function' ? first : (second ?? (() => {})))
  }
  Object.assign(globalThis, {
    describe: vitest.describe,
    before: hook(vitest.beforeAll),
    after: hook(vitest.afterAll),
    beforeEach: hook(vitest.beforeEach),
    afterEach: hook(vitest.afterEach),
    it: (name: string, body: (this: Context) => unknown) => {
      vitest.test(name, { timeout: TIMEOUT }, async (context) => {
        await body.call({ timeout: () => {}, skip: () => context.skip() })
      })
    }
  })
  define()
}
