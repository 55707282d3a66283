import { describe, expect, test } from 'vitest'
import { RefusalLog } from '../src/refusal-log.js'

const MINUTE = 60_000
const PEER = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'

function recorded(isDebug: boolean) {
  const lines: unknown[][] = []
  const clock = { now: 5 }
  const recorder = (level: string) => (details: object | string, message?: string) =>
    void lines.push([level, details, message])
  const logger = {
    debug: recorder('debug'),
    info: recorder('info'),
    isLevelEnabled: () => isDebug
  }
  return { log: new RefusalLog(logger, () => clock.now), lines, clock }
}

describe('refusals', () => {
  test('are logged once a minute for each reason, with the option that decides, and how many were not', () => {
    const { log, lines, clock } = recorded(false)
    for (let count = 0; count < 5; count++)
      log.report('origin', () => ({ ip: '192.0.2.1', origin: 'https://evil.example' }))
    log.report('sessions per ip')
    clock.now += MINUTE
    log.report('origin', () => ({ ip: '192.0.2.2' }))
    expect(lines).toEqual([
      [
        'info',
        { reason: 'origin', option: '--allowed-origin', ip: '192.0.2.1', origin: 'https://evil.example' },
        'refused: origin'
      ],
      ['info', { reason: 'sessions per ip', option: '--max-sessions-per-ip' }, 'refused: sessions per ip'],
      ['info', { reason: 'origin', option: '--allowed-origin', ip: '192.0.2.2', omitted: 4 }, 'refused: origin']
    ])
  })

  test('are all logged at debug, routine ones there only', () => {
    const { log, lines } = recorded(true)
    for (let count = 0; count < 3; count++) log.report('address')
    log.report('peer not found')
    expect(lines.map(([level, , message]) => `${String(level)} ${String(message)}`)).toEqual([
      'info refused: address',
      'debug refused: address',
      'debug refused: address',
      'debug refused: peer not found'
    ])
  })

  test('cost nothing where they are not logged', () => {
    const { log } = recorded(false)
    log.report('peer not found', () => {
      throw new Error('It was asked for')
    })
  })

  test('are bounded, and have short peer ids', () => {
    const { log, lines } = recorded(true)
    log.report('address', () => ({ offered: `/x/${PEER}`, host: 'a.'.repeat(10_000), peer: undefined }))
    const details = lines[0]?.[1]
    expect(details).toEqual({
      reason: 'address',
      offered: '/x/QmYy…Wjhx5N'.replace('Wjhx5N', PEER.slice(-6)),
      host: `${'a.'.repeat(100)}…`
    })
  })
})
