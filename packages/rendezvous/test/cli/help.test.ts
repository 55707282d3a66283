import { describe, expect, test } from 'vitest'
import { GROUPS, optionSurfaces } from '../../src/cli/option-surface.js'
import { printed } from './reading.js'

function flagsOf(help: string): string[] {
  return help.split('\n').flatMap((line) => /^ {2}(?:-\w, )?--([a-z-]+)/.exec(line)?.[1] ?? [])
}

const GENERAL = ['config', 'help', 'help-all', 'version']
const surfaces = optionSurfaces()

describe('--help', () => {
  const help = printed(['--help'])

  test('lists the essential options, about twenty', () => {
    const essential = surfaces.filter(({ isEssential }) => isEssential).map(({ flag }) => flag)
    expect(flagsOf(help).toSorted()).toEqual([...essential, ...GENERAL].toSorted())
    expect(essential.length).toBeLessThanOrEqual(24)
  })

  test('lists them in groups', () => {
    const headings = help.split('\n').flatMap((line) => /^(\S.*):$/.exec(line)?.[1] ?? [])
    expect(headings).toEqual(['Options', 'Listening', 'TLS', 'Who may use it', 'Limits', 'Cluster', 'Pages', 'Logging'])
  })

  test('takes two lines at most for an option, and says where the others are', () => {
    expect(help).not.toMatch(/\n {10,}.*\n {10,}/)
    expect(help).toContain('--help-all')
  })
})

describe('--help-all', () => {
  const help = printed(['--help-all'])

  test('lists every option', () => {
    expect(flagsOf(help).toSorted()).toEqual([...surfaces.map(({ flag }) => flag), ...GENERAL].toSorted())
  })

  test('has every group', () => {
    for (const heading of Object.values(GROUPS)) expect(help).toContain(`\n${heading}:\n`)
  })
})

test.each([[['--help-all', '--port=1']], [['--port=1', '--help-all']]])('%j prints the complete help too', (args) => {
  expect(printed(args)).toBe(printed(['--help-all']))
})
