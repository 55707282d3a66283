import { describe, expect, test } from 'vitest'
import { kebabCase, optionSurfaces } from '../../src/cli/option-surface.js'
import { parseOptions } from '../../src/options.js'
import { complaintOf, nested, read, valueAt } from './reading.js'

const surfaces = optionSurfaces()

/** Options that the result of `parseOptions({})` does not have. */
const withoutDefault = ['key', 'cert', 'pfx', 'passphrase', 'adminToken', 'redis', 'cluster.node']

function pathsOf(options: object, prefix = ''): string[] {
  return Object.entries(options).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? pathsOf(value, `${prefix}${name}.`)
      : [prefix + name]
  )
}

test('every option of the schema has a surface', () => {
  const paths = surfaces.map(({ path }) => path.join('.'))
  expect(paths.toSorted()).toEqual([...pathsOf(parseOptions({})), ...withoutDefault].toSorted())
})

test.each(surfaces.map((surface) => [surface.path.join('.'), surface] as const))(
  '%s: the default, a flag, a variable, and words about it',
  (_, surface) => {
    expect(valueAt(parseOptions({}), surface)).toEqual(surface.libraryDefault)
    if (surface.path.join('.') !== 'relay.gatherTime')
      expect(surface.commandLineDefault).toEqual(surface.libraryDefault)
    expect(surface.flag).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect(surface.env).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(surface.description).toMatch(/^[A-Z].*[^.]$/)
    expect(surface.allowed).not.toBe('')
  }
)

test('the names of the old server are kept', () => {
  const names = surfaces.filter(({ env }) => !env.startsWith('WEBSOCKET_STAR_')).map(({ flag, env }) => [flag, env])
  expect(names).toEqual([
    ['port', 'PORT'],
    ['host', 'HOST'],
    ['key', 'KEY'],
    ['cert', 'CERT'],
    ['pfx', 'PFX'],
    ['passphrase', 'PFX_PASSPHRASE'],
    ['disable-crypto-challenge', 'DISABLE_CRYPTO_CHALLENGE'],
    ['disable-strict-multiaddr', 'DISABLE_STRICT_MULTIADDR'],
    ['disable-metrics', 'DISABLE_METRICS']
  ])
})

describe('what is said to be allowed', () => {
  const numbers = surfaces.filter(({ kind }) => kind === 'number')

  test.each(numbers.map((surface) => [surface.flag, surface] as const))('%s: is, and no more', (flag, surface) => {
    const [, whole, from, , to] = /^a (whole )?number from (\d+)( to (\d+))?$/.exec(surface.allowed) ?? []
    expect(valueAt(read([`--${flag}=${from}`]).options, surface)).toBe(Number(from))
    expect(complaintOf([`--${flag}=${Number(from) - 1}`])).toContain(`from ${from}`)
    if (whole === undefined) expect(valueAt(read([`--${flag}=1.5`]).options, surface)).toBe(1.5)
    else expect(complaintOf([`--${flag}=1.5`])).toContain(surface.allowed)
    if (to === undefined) return
    expect(valueAt(read([`--${flag}=${to}`]).options, surface)).toBe(Number(to))
    expect(complaintOf([`--${flag}=${Number(to) + 1}`])).toContain(`to ${to}`)
  })

  const choices = surfaces.filter(({ allowed }) => allowed.startsWith('one of '))

  test.each(choices.map((surface) => [surface.flag, surface] as const))('%s: each of its words', (flag, surface) => {
    const words = surface.allowed.replace('one of ', '').split(', ')
    expect(words).toContain(surface.commandLineDefault)
    for (const word of words) expect(valueAt(read([`--${flag}=${word}`]).options, surface)).toBe(word)
  })

  const others = surfaces.filter(({ allowed }) => allowed === 'text that is not empty')

  test.each(others.map((surface) => [surface.path.join('.'), surface] as const))('%s: no empty text', (_, { path }) => {
    // A cast, since the path is not a literal.
    expect(() => parseOptions(nested(path, '') as never)).toThrow(path.join('.'))
  })
})

test.each([
  ['port', 'port'],
  ['drainTimeout', 'drain-timeout'],
  ['maxPendingDialsPerSession', 'max-pending-dials-per-session']
])('%s in kebab case is %s', (name, kebab) => {
  expect(kebabCase(name)).toBe(kebab)
})
