import { describe, expect, test } from 'vitest'
import { readTls } from '../../src/http/tls.js'
import type { ServerOptions } from '../../src/option-types.js'
import { InvalidOptionsError, parseOptions } from '../../src/options.js'

function problemOf(input: ServerOptions): InvalidOptionsError {
  try {
    readTls(parseOptions(input))
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error
    throw error
  }
  throw new Error('Nothing was thrown')
}

/** A file that is there, and holds neither a key nor a certificate. */
const junk = import.meta.filename

describe('the files for HTTPS', () => {
  test('are not needed', () => {
    expect(readTls(parseOptions({}))).toBeUndefined()
    expect(readTls(parseOptions({ passphrase: 'of nothing' }))).toBeUndefined()
  })

  test.each<[ServerOptions, string]>([
    [{ key: 'no.pem', cert: 'no.pem' }, 'key'],
    [{ key: junk, cert: junk }, 'key'],
    [{ pfx: 'no.pfx' }, 'pfx'],
    [{ pfx: junk, passphrase: 'of nothing' }, 'pfx']
  ])('%j: the one to blame is named', (input, named) => {
    const { code, problems, cause } = problemOf(input)
    expect(code).toBe('ERR_INVALID_OPTIONS')
    expect(problems).toEqual([{ path: [named], message: expect.stringMatching(/^.+$/) }])
    expect(cause).toBeInstanceOf(Error)
  })
})
