import { generate } from 'lean-qr'
import { expect, test } from 'vitest'
import { qrText } from '../../src/cli/qr-text.js'

const TEXT = 'http://192.0.2.1:9090/try'

/** The modules that are drawn dark, row by row. */
function modulesOf(text: string, drawn: 'dark' | 'light'): boolean[][] {
  // oxlint-disable-next-line no-control-regex
  const lines = text.replaceAll(/\u001B\[[\d;]*m/g, '').split('\n')
  return lines.flatMap((line) =>
    [/[█▀]/, /[█▄]/].map((half) => Array.from(line, (char) => half.test(char) === (drawn === 'dark')))
  )
}

test.each([
  ['a terminal', true, 'dark'],
  ['a pipe', false, 'light']
] as const)('for %s every module is drawn', (_, isTerminal, drawn) => {
  const modules = modulesOf(qrText(TEXT, isTerminal), drawn)
  const code = generate(TEXT)
  const margin = (Number(modules[0]?.length) - code.size) / 2
  expect(margin).toBe(2)
  for (let y = -margin; y < code.size + margin; y++) {
    for (let x = -margin; x < code.size + margin; x++) {
      expect(modules[y + margin]?.[x + margin]).toBe(Boolean(code.get(x, y)))
    }
  }
})
