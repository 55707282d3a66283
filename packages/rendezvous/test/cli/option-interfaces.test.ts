import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { optionTypes } from '../../src/cli/option-interfaces.js'

const outdated = 'src/option-types.ts is not up to date: run "npm run docs"'
const source = readFileSync(new URL('../../src/option-types.ts', import.meta.url), 'utf8')

test('src/option-types.ts is generated from this schema', () => {
  expect(source, outdated).toBe(optionTypes())
})

test.each([
  ['a default', /\* @default 512\n \s*\*\/\n \s*sessionsPerIp\?: number/],
  [
    'a unit',
    /Time between two pings\. In milliseconds\.\n \s*\*\n \s*\* @default 25_000\n \s*\*\/\n \s*interval\?: number/
  ],
  ['the default of a library, not of the command line', /\* @default 0\n \s*\*\/\n \s*gatherTime\?: number/],
  ['the words of a choice', /logFormat\?: 'auto' \| 'json' \| 'pretty'/],
  ['a nested object', /\/\*\* Detection of lost clients\. \*\/\n {2}heartbeat\?: HeartbeatSettings/]
])('a field has %s', (_, expected) => {
  expect(optionTypes()).toMatch(expected)
})

test('every field has a description', () => {
  const fields = optionTypes()
    .split('\n')
    .flatMap((line, index, lines) => (/^ {2}\w+\?: /.test(line) ? [lines[index - 1]] : []))
  expect(fields.length).toBeGreaterThan(60)
  for (const before of fields) expect(before).toMatch(/\*\/$/)
})
