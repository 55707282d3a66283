import { readFileSync } from 'node:fs'
import {
  ADDRESS_MAX_LENGTH,
  DIAL_ID_MAX_LENGTH,
  PUBLIC_KEY_MAX_BYTES,
  WIRE_ERROR_MAX_LENGTH
} from '@websocket-star/protocol'
import { describe, expect, test } from 'vitest'
import { PRICES } from '../src/budget/prices.js'
import { parseOptions } from '../src/options.js'

const page = readFileSync(new URL('../../../docs/threat-model.md', import.meta.url), 'utf8')
const stats = readFileSync(new URL('../src/stats.ts', import.meta.url), 'utf8')

/** The rows of the page's tables that begin with a name, such as `limits.waiting`, and the cell after it. */
const rows: [name: string, value: string][] = Array.from(
  page.matchAll(/^\| `([\w.]+)` \| ([^|]+) \|/gm),
  ([, name = '', value = '']) => [name, value]
)

const UNITS = new Map([
  ['KiB', 1_024],
  ['MiB', 1_048_576],
  ['MB', 1_000_000],
  ['s', 1_000]
])

/** The number that a cell such as `32 MiB` or `50 ms a second` stands for. */
function numberIn(cell: string): number {
  const [, digits = '', unit = ''] = /^([\d,.]+) ?(KiB|MiB|MB|s)?\b/.exec(cell) ?? []
  return Number(digits.replaceAll(',', '')) * (UNITS.get(unit) ?? 1)
}

describe('docs/threat-model.md', () => {
  const options: Readonly<Record<string, unknown>> = { ...parseOptions({}) }
  const optionRows = rows.filter(([name]) => name.includes('.'))

  test.each(optionRows)('has the default of %s', (name, value) => {
    const [group = '', key = ''] = name.split('.')
    const defaults = options[group] as Record<string, unknown> // every option with a dot is in a group
    expect(numberIn(value)).toBe(defaults[key])
  })

  test('leaves out no limit', () => {
    const named = new Set(optionRows.map(([name]) => name))
    const { limits, join, dial } = parseOptions({})
    const all = Object.entries({ limits, join, dial }).flatMap(([group, keys]) =>
      Object.keys(keys).map((key) => `${group}.${key}`)
    )
    expect(all.filter((name) => !named.has(name))).toEqual([])
  })

  test('has every price', () => {
    const prices = rows.filter(([name]) => !name.includes('.')).map(([name, value]) => [name, numberIn(value)])
    expect(Object.fromEntries(prices)).toEqual(PRICES)
  })

  test('has the limits of the protocol', () => {
    const sizes = [ADDRESS_MAX_LENGTH, DIAL_ID_MAX_LENGTH, PUBLIC_KEY_MAX_BYTES, WIRE_ERROR_MAX_LENGTH]
    const [address, ...others] = sizes.map((size) => size.toLocaleString('en'))
    expect(page).toContain(`${address}, ${others[0]} characters; ${others[1]} bytes; ${others[2]} characters`)
  })

  test('names reasons that are counted', () => {
    const counted = new Set(Array.from(stats.matchAll(/'([a-z ]+)'/g), ([, reason]) => reason))
    const named = Array.from(page.matchAll(/\{reason="(.+?)"\}/g), ([, reason]) => reason)
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((reason) => !counted.has(reason))).toEqual([])
  })
})
