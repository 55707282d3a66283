import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { ResolvedOptions, ServerOptions } from '../src/option-types.js'
import { InvalidOptionsError, optionsSchema, parseOptions } from '../src/options.js'

const DEFAULTS = {
  host: '::',
  port: 9090,
  cryptoChallenge: true,
  strictMultiaddr: true,
  publicAddresses: [],
  allowedOrigins: [],
  basePath: '',
  trustProxy: [],
  drainTimeout: 8_000,
  discovery: {
    interval: 10_000,
    window: 256,
    maxBytesPerSecond: 4_000_000,
    joinList: 256,
    prefixes: 1024,
    deltaInterval: 50
  },
  join: { deadline: 60_000, nonceTtl: 20_000, takeoverTimeout: 2_000, minRsaBits: 1024 },
  dial: { ackTimeout: 15_000, acceptTimeout: 60_000 },
  relay: {
    gatherTime: 0,
    highWaterMark: 1_048_576,
    sessionCeiling: 8_388_608,
    pauseTimeout: 30_000,
    stallTimeout: 30_000,
    maxBufferedBytes: 536_870_912
  },
  limits: {
    messageSize: 1_048_576,
    addressesPerSession: 8,
    streamsPerSession: 4096,
    pendingChallenges: 16_384,
    waiting: 16_384,
    pendingDialsPerSession: 64,
    unacceptedStreams: 256,
    dialsPerSecond: 100,
    dialsPerSecondPerIp: 400,
    joinRoundsPerSecond: 20,
    joinRoundsPerSecondPerIp: 200,
    sessionsPerIp: 512,
    workPerSession: 50,
    workPerIp: 250,
    floodTimeout: 10_000,
    receivedBytes: 268_435_456
  },
  heartbeat: { interval: 25_000, timeout: 60_000 }
}

/** Accepts any value, since files and command lines have no types. */
function withOption(path: string, value: unknown): ServerOptions {
  const [group = '', name] = path.split('.')
  return { [group]: name === undefined ? value : { [name]: value } }
}

function problemOf(input: ServerOptions): InvalidOptionsError {
  try {
    parseOptions(input)
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error
    throw error
  }
  throw new Error('Nothing was thrown')
}

describe('the options', () => {
  test('have these defaults', () => {
    expect(parseOptions({})).toMatchObject(DEFAULTS)
  })

  test('a group that is given in part keeps its other defaults', () => {
    const { join, limits } = parseOptions({ join: { nonceTtl: 5 }, limits: {} })
    expect(join).toEqual({ ...DEFAULTS.join, nonceTtl: 5 })
    expect(limits).toEqual(DEFAULTS.limits)
  })

  test('one call does not share its lists and groups with the next', () => {
    const before = structuredClone(parseOptions({}))
    parseOptions({}).publicAddresses.push('/ip4/127.0.0.1')
    parseOptions({}).limits.sessionsPerIp = 1
    expect(parseOptions({})).toEqual(before)
  })

  test.each([
    ['port', 0],
    ['port', 65_535],
    ['discovery.interval', 1],
    ['join.deadline', 2 ** 31 - 1],
    ['join.minRsaBits', 512],
    ['join.minRsaBits', 8192],
    ['limits.addressesPerSession', 1],
    ['limits.messageSize', 1],
    ['relay.highWaterMark', 1],
    // Only durations are limited to 32 bits.
    ['relay.maxBufferedBytes', 2 ** 40]
  ])('%s may be %j', (path, value) => {
    expect(parseOptions(withOption(path, value))).toMatchObject(withOption(path, value))
  })

  test.each([
    ['host', ''],
    ['host', 127],
    ['port', -1],
    ['port', 65_536],
    ['port', 90.5],
    ['port', '9090'],
    ['cryptoChallenge', 'false'],
    ['strictMultiaddr', 0],
    ['publicAddresses', '/dns4/star.example.com'],
    ['allowedOrigins', 'https://app.example'],
    ['trustProxy', true],
    ['discovery.interval', 0],
    // A longer timer would fire at once.
    ['discovery.interval', 2 ** 31],
    ['discovery.window', 0],
    ['discovery.joinList', 0.5],
    ['discovery.prefixes', Number.POSITIVE_INFINITY],
    ['join.deadline', Number.NaN],
    ['join.nonceTtl', -5],
    ['join.takeoverTimeout', null],
    ['join.minRsaBits', 511],
    ['join.minRsaBits', 8193],
    ['dial.ackTimeout', '15s'],
    ['dial.acceptTimeout', 0],
    ['relay.highWaterMark', 0],
    ['relay.sessionCeiling', -1],
    ['relay.sessionCeiling', 0.5],
    ['relay.pauseTimeout', 0],
    ['relay.stallTimeout', 2 ** 31],
    ['relay.maxBufferedBytes', '512M'],
    ['limits.messageSize', 0],
    ['limits.addressesPerSession', 0],
    ['limits.streamsPerSession', -1],
    ['limits.pendingChallenges', 0],
    ['limits.pendingDialsPerSession', 0],
    ['limits.unacceptedStreams', 0],
    ['limits.dialsPerSecond', 0],
    ['limits.dialsPerSecondPerIp', 0.5],
    ['limits.joinRoundsPerSecond', 0],
    ['limits.receivedBytes', 0],
    ['limits.sessionsPerIp', 0],
    ['heartbeat.interval', 0],
    ['heartbeat.timeout', 2 ** 31]
  ])('%s may not be %j', (path, value) => {
    const problem = problemOf(withOption(path, value))
    expect(problem.message).toMatch(new RegExp(`^${path}: .`))
    expect(problem).toMatchObject({ name: 'InvalidOptionsError', code: 'ERR_INVALID_OPTIONS' })
    expect(problem.cause).toBeInstanceOf(Error)
  })

  test('each bad value is named', () => {
    const { message } = problemOf({
      port: -1,
      join: { nonceTtl: 0, minRsaBits: 1 },
      publicAddresses: ['/a', 1 as never]
    }) // a cast, since the value is a wrong one on purpose
    for (const path of ['port', 'join.nonceTtl', 'join.minRsaBits', 'publicAddresses.1']) {
      expect(message).toContain(`${path}: `)
    }
    expect(message.split('; ')).toHaveLength(4)
  })

  test.each([
    ['an unknown option', 'verbose', 'verbose'],
    ['an unknown option of a group', 'limits.sessions', 'limits'],
    ['a group that is none', 'metrics.port', 'metrics']
  ])('%s is refused by name', (_, path, named) => {
    const { message } = problemOf(withOption(path, 1))
    expect(message).toContain(named)
    expect(message).toContain(path.split('.').at(named === 'limits' ? -1 : 0))
  })

  test('each unknown option is a problem of its own, and is named by its whole path', () => {
    const input: object = { verbose: 1, limits: { sessions: 1, files: 2 } }
    expect(problemOf(input).problems).toEqual([
      { path: ['limits', 'sessions'], message: 'there is no such option' },
      { path: ['limits', 'files'], message: 'there is no such option' },
      { path: ['verbose'], message: 'there is no such option' }
    ])
  })

  test('the documented types are those of the schema', () => {
    expectTypeOf<ServerOptions>().branded.toEqualTypeOf<z.input<typeof optionsSchema>>()
    expectTypeOf<ResolvedOptions>().branded.toEqualTypeOf<z.output<typeof optionsSchema>>()
  })
})
