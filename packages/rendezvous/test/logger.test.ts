import { describe, expect, test } from 'vitest'
import { LimitedLogger, type Logger } from '../src/logger.js'

type Line = [level: keyof Logger, details: object | string, message?: string]

/** A logger under a limit, on a clock that stands still. */
function limited() {
  const lines: Line[] = []
  const recorder = (level: keyof Logger) => (details: object | string, message?: string) => {
    lines.push(message === undefined ? [level, details] : [level, details, message])
  }
  const clock = { now: 1_000_000 }
  const logger = new LimitedLogger(
    { debug: recorder('debug'), info: recorder('info'), warn: recorder('warn'), error: recorder('error') },
    () => clock.now
  )
  return { logger, lines, clock }
}

/** Lines of one message in ten seconds. */
const allowed = 10
const interval = 10_000

describe('a limited logger', () => {
  test.each(['debug', 'info', 'warn', 'error'] as const)('passes a line on as it is: %s', (level) => {
    const { logger, lines } = limited()
    logger[level]({ peer: 'Qm…' }, 'joined')
    logger[level]('started')
    expect(lines).toEqual([
      [level, { peer: 'Qm…' }, 'joined'],
      [level, 'started']
    ])
  })

  test('writes the same message ten times, whatever its details', () => {
    const { logger, lines } = limited()
    for (let count = 0; count < 1_000; count++) logger.warn({ count }, 'refused')
    expect(lines).toHaveLength(allowed)
    expect(lines.map(([, details]) => details)).toEqual(Array.from({ length: allowed }, (_, count) => ({ count })))
  })

  test('limits lines without details too', () => {
    const { logger, lines } = limited()
    for (let count = 0; count < 1_000; count++) logger.error('failed')
    expect(lines).toHaveLength(allowed)
  })

  test('does not let one message use up what another may have', () => {
    const { logger, lines } = limited()
    for (let count = 0; count < 1_000; count++) logger.warn({}, 'refused')
    logger.warn({}, 'dropped')
    expect(lines.at(-1)).toEqual(['warn', {}, 'dropped'])
  })

  test('says how many it omitted, when the next one comes after ten seconds', () => {
    const { logger, lines, clock } = limited()
    for (let count = 0; count < 25; count++) logger.warn({}, 'refused')
    clock.now += interval - 1
    logger.warn({}, 'refused')
    expect(lines).toHaveLength(allowed)

    clock.now += 1
    logger.warn({ count: 'next' }, 'refused')
    expect(lines.slice(allowed)).toEqual([
      ['warn', { omitted: 16 }, 'refused (repeats omitted)'],
      ['warn', { count: 'next' }, 'refused']
    ])
  })

  test('begins anew after ten seconds', () => {
    const { logger, lines, clock } = limited()
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 1_000; count++) logger.warn({}, 'refused')
      clock.now += interval
    }
    const notes = lines.filter(([, , message]) => message !== 'refused')
    expect(notes.map(([, details]) => details)).toEqual([{ omitted: 990 }, { omitted: 990 }])
    expect(lines).toHaveLength(3 * allowed + notes.length)
  })

  test('says nothing of omitted lines if none were', () => {
    const { logger, lines, clock } = limited()
    for (let count = 0; count < allowed; count++) logger.warn({}, 'refused')
    clock.now += interval
    logger.warn({}, 'refused')
    expect(lines).toHaveLength(allowed + 1)
  })
})
