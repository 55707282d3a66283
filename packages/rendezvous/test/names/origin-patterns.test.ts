import { describe, expect, test } from 'vitest'
import { parseOrigins } from '../../src/names/origin-patterns.js'
import { InvalidOptionsError } from '../../src/options.js'

const APP = 'https://app.example'

test.each([APP, `${APP}/`, 'HTTPS://APP.example', `${APP}:443`, ` ${APP} `])(
  '%j is the origin of https://app.example',
  (text) => {
    const { matches, isOpen, hasSelf } = parseOrigins([text])
    expect(matches(APP)).toBe(true)
    expect(matches('https://app.example.evil.example')).toBe(false)
    expect(matches('http://app.example')).toBe(false)
    expect({ isOpen, hasSelf }).toEqual({ isOpen: false, hasSelf: false })
  }
)

test.each<[pattern: string, yes: string[], no: string[]]>([
  [
    'https://*.example',
    ['https://app.example', 'https://a.b.example'],
    [
      'https://example',
      'http://app.example',
      'https://app.example:8443',
      'https://appxexample',
      'https://app.example.evil.com'
    ]
  ],
  ['https://*.App.example/', ['https://x.app.example'], ['https://app.example', 'https://xapp.example']],
  ['https://*.app.example:8443', ['https://x.app.example:8443'], ['https://x.app.example']],
  [
    'http://localhost:*',
    ['http://localhost', 'http://localhost:3000'],
    ['https://localhost:3000', 'http://localhost.evil.com:3000']
  ],
  ['http://[::1]:*', ['http://[::1]:3000'], ['http://[::2]:3000']],
  ['https://*', ['https://app.example', 'https://[::1]'], ['http://app.example', 'https://app.example:8443']],
  ['https://*.bücher.example', ['https://a.xn--bcher-kva.example'], ['https://xn--bcher-kva.example']],
  ['capacitor://localhost', ['capacitor://localhost'], ['http://localhost']],
  ['null', ['null'], ['https://null']]
])('%s is a pattern', (pattern, yes, no) => {
  const { matches } = parseOrigins([pattern])
  expect(yes.filter((origin) => !matches(origin))).toEqual([])
  expect(no.filter((origin) => matches(origin))).toEqual([])
})

test.each([[[]], [['*']], [[APP, '*']], [['self', ' * ']]])('%j lets every page in', (listed) => {
  expect(parseOrigins(listed)).toMatchObject({ isOpen: true })
})

describe('what no browser sends is refused, with the right spelling', () => {
  test.each([
    ['', 'write * for every page'],
    [' ', 'write * for every page'],
    ['app.example', 'write https://app.example'],
    ['*.app.example', 'write https://*.app.example'],
    ['localhost:3000', 'http://localhost:3000'],
    ['wss://app.example', 'https://app.example'],
    ['https://app.example/chat', 'write https://app.example'],
    ['https://app.example?x', 'write https://app.example'],
    ['https://user:pw@app.example', 'write https://app.example'],
    ['https://a.example,https://b.example', 'once for each'],
    ['https://a.example https://b.example', 'once for each'],
    ['"https://app.example"', 'write https://app.example'],
    ["'self'", 'write self'],
    ['Self', 'write self'],
    ['https://', 'https://app.example'],
    ['https://app.example:99999', 'https://app.example'],
    ['https://app.*', 'https://*.app.example'],
    ['https://app-*.example', 'https://*.app.example'],
    ['https://*.*.example', 'https://*.app.example'],
    ['file:///', 'write null']
  ])('%j', (text, spelling) => {
    expect(() => parseOrigins([APP, text])).toThrow(InvalidOptionsError)
    expect(() => parseOrigins([APP, text])).toThrow(spelling)
  })
})
