import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as streams from '../src/index.js'

test('the package exports what it is documented to, and nothing by accident', () => {
  expect(Object.keys(streams).toSorted()).toMatchInlineSnapshot(`
    [
      "ACCEPT_TIMEOUT",
      "CodecError",
      "ConnectionLostError",
      "HIGH_WATER_MARK",
      "InvalidOptionsError",
      "StarError",
      "StreamAbortedError",
      "StreamError",
      "StreamIdInUseError",
      "StreamNotAcceptedError",
      "StreamProtocolError",
      "StreamResetError",
      "StreamStoppedError",
      "WINDOW_INITIAL",
      "WINDOW_MAX",
      "WriteAfterEndError",
      "pullSink",
      "pullSource",
      "readableStream",
      "socketStreams",
      "valuesOf",
      "writableStream",
      "writeAll",
    ]
  `)
})

test('the module in the form of the old one is a function, however it is imported', async () => {
  const module: Record<string, unknown> = await import('../src/adapters/pull-stream.js')
  expect(module.default).toBeTypeOf('function')
  // What `require` gives.
  expect(module['module.exports']).toBe(module.default)
})

describe('the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

  test('lists every error, and its code', () => {
    const rows = [...readme.matchAll(/^\| `(\w+Error)` \| `(ERR_\w+)` \|/gm)].map(([, name, code]) => [name, code])
    const errors = [
      new streams.InvalidOptionsError(''),
      new streams.StreamResetError('id', ''),
      new streams.StreamStoppedError('id'),
      new streams.StreamAbortedError('id'),
      new streams.ConnectionLostError('id', ''),
      new streams.StreamProtocolError('id', ''),
      new streams.CodecError('id', ''),
      new streams.WriteAfterEndError('id'),
      new streams.StreamIdInUseError('id'),
      new streams.StreamNotAcceptedError('id', 1)
    ]
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(errors.map(({ name, code }) => [name, code])))
    const classes = Object.keys(streams).filter((name) => /(?<!^Star|^Stream)Error$/.test(name))
    expect(rows.map(([name]) => name).toSorted()).toEqual(classes.toSorted())
  })

  test('states the defaults as they are', () => {
    const kibibytes = (bytes: number): string => `${bytes / 1024} KiB`
    expect(readme).toContain(`| \`window.initial\` | bytes | ${kibibytes(streams.WINDOW_INITIAL)} |`)
    expect(readme).toContain(`| \`window.max\` | bytes | ${streams.WINDOW_MAX / 1_048_576} MiB |`)
    expect(readme).toContain(`| \`highWaterMark\` | bytes | ${kibibytes(streams.HIGH_WATER_MARK)} |`)
  })
})
