import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { optionSurfaces } from '../../src/cli/option-surface.js'
import { optionsPage } from '../../src/cli/options-page.js'
import { configFile, printed, read } from './reading.js'

const file = readFileSync(new URL('../../../../docs/options.md', import.meta.url), 'utf8')
const outdated = 'docs/options.md is not what the options are: run "npm run docs"'

interface Row {
  flag: string
  env: string
  key: string
  default: string
  description: string
  allowed: string
}

function rowsOf(page: string): Row[] {
  const lines = page.split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) =>
      cell
        .trim()
        .replaceAll('\\|', '|')
        .replace(/^`(.*)`$/, '$1')
    )
    const [, flag = '', env = '', key = '', value = '', description = '', allowed = ''] = cells
    return { flag, env, key, default: value, description, allowed }
  })
}

/** One option per line. */
const help = printed(['--help-all'])
  .replaceAll(/\n {10,}/g, ' ')
  .split('\n')
  .filter((line) => line.startsWith('  -'))
  .map((line) => line.trim().replaceAll(/\s+/g, ' '))

const rows = rowsOf(file)

test('docs/options.md is the page of this schema', () => {
  expect(file, outdated).toBe(optionsPage())
})

test('every option of the schema has one row, and no row is of anything else', () => {
  const keys = optionSurfaces().map(({ path }) => path.join('.'))
  expect(rows.map(({ key }) => key).toSorted(), outdated).toEqual(keys.toSorted())
})

describe.each(optionSurfaces().map((surface) => [surface.path.join('.'), surface] as const))('%s', (key, surface) => {
  const isDefaultShown = surface.commandLineDefault !== undefined && surface.kind !== 'list'

  test('has the row that the schema gives it', () => {
    const row = rows.find((row) => row.key === key)
    expect(row, outdated).toEqual({
      flag: expect.stringMatching(new RegExp(`(^|, )--${surface.flag}( <.+>)?$`)),
      env: surface.env,
      key,
      default: isDefaultShown ? expect.stringContaining(String(surface.commandLineDefault)) : 'none',
      description: surface.description + (surface.details === '' ? '' : `. ${surface.details}`),
      allowed: surface.allowed
    })
  })

  test('is in the help as it is in its row', () => {
    const row = rows.find((row) => row.key === key)
    const line = help.find((line) => line.startsWith(`${row?.flag} `))
    const value = isDefaultShown && surface.kind !== 'switch' ? `default ${String(surface.commandLineDefault)}, ` : ''
    expect(line, outdated).toBe(`${row?.flag} ${surface.description} (${value}env ${row?.env})`)
  })
})

test('the help has nothing that the page has not', () => {
  const flags = help.map((line) => /--[a-z-]+/.exec(line)?.[0])
  const known = rows.map(({ flag }) => /--[a-z-]+/.exec(flag)?.[0])
  expect(flags?.toSorted()).toEqual([...known, '--config', '--help', '--help-all', '--version'].toSorted())
})

test('the example of a file is one', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(file) ?? []
  const { options } = read(['--config', configFile(example)])
  expect(options).toMatchObject(JSON.parse(example) as object)
})
