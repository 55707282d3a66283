import { readFileSync } from 'node:fs'
import * as client from '@websocket-star/client'
import * as libp2p from '@websocket-star/libp2p'
import * as protocol from '@websocket-star/protocol'
import * as rendezvous from '@websocket-star/rendezvous'
import * as streams from '@websocket-star/streams'
import { describe, expect, test } from 'vitest'

const PACKAGES = { protocol, streams, client, libp2p, rendezvous }

/** Classes without a code of their own. */
const BASES = new Set(['StarError', 'StarProtocolError', 'StreamError'])

type ErrorClass = new (...args: unknown[]) => protocol.StarError

const CLASSES = Object.entries(PACKAGES).flatMap(([name, exports]) =>
  Object.values<unknown>(exports)
    .filter((value): value is ErrorClass => typeof value === 'function' && value.prototype instanceof Error)
    .filter((ErrorClass) => !BASES.has(ErrorClass.name))
    .map((ErrorClass) => ({ package: name, ErrorClass, name: ErrorClass.name }))
)

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(ERR_\w+)` \| `(\w+Error)` \|/gm)].map(([, code, name]) => `${name} ${code}`)

describe('docs/errors.md', () => {
  test.each(CLASSES)('lists $name of $package with its code', ({ package: from, ErrorClass, name }) => {
    // The server's InvalidOptionsError takes a list.
    const error =
      from === 'rendezvous' && name === 'InvalidOptionsError' ? new ErrorClass([]) : new ErrorClass('a', 'b')
    expect(error).toBeInstanceOf(protocol.StarError)
    expect(error.name).toBe(name)
    expect(rows).toContain(`${name} ${error.code}`)
  })

  test('lists no error that no package exports', () => {
    const names = new Set(CLASSES.map(({ name }) => name))
    expect(rows.map((row) => row.split(' ')[0]).filter((name) => !names.has(name ?? ''))).toEqual([])
  })

  test.each(Object.entries(PACKAGES))('says rightly that %s exports StarError', (_, exports) => {
    expect(exports.StarError).toBe(protocol.StarError)
  })
})
