import { expect, test } from 'vitest'
import { resolveOptions, type StarClientOptions } from '../src/options.js'

test('all but the servers have defaults', () => {
  const servers = ['https://star.example.com']
  expect(resolveOptions({ servers })).toMatchObject({ servers, strict: false, dialTimeout: 20_000, maxPeers: 65_536 })
})

test('what is undefined is not given', () => {
  expect(resolveOptions({ servers: [], dialTimeout: undefined, strict: undefined } as never)).toMatchObject({
    dialTimeout: 20_000,
    strict: false
  })
})

test.each([
  [{}, 'servers'],
  [{ servers: 'https://star.example.com' }, 'servers'],
  [{ servers: [7] }, 'servers'],
  [{ servers: [], dialTimeout: 0 }, 'dialTimeout'],
  [{ servers: [], joinTimeout: -1 }, 'joinTimeout'],
  [{ servers: [], connectTimeout: Number.NaN }, 'connectTimeout'],
  [{ servers: [], peerExpiry: 2 ** 31 }, 'peerExpiry'],
  [{ servers: [], maxPeers: 0 }, 'maxPeers'],
  [{ servers: [], maxUnread: '1' }, 'maxUnread']
])('%j is refused by name', (options, name) => {
  expect(() => resolveOptions(options as StarClientOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', message: expect.stringContaining(`${name}: `) })
  )
})
