import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import * as protocol from '../src/index.js'

/** Returns the first block of TypeScript in a page or docstring. */
function exampleIn(text: string): string {
  const example = /```ts\n(.*?)```/s.exec(text.replaceAll(/^ \* ?/gm, ''))?.[1]
  if (example === undefined) throw new Error('No example found')
  return example
}

async function textOf(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), 'utf8')
}

/** Runs an example against the sources. @returns the values it logged */
async function logOf(example: string): Promise<unknown[]> {
  const directory = await mkdtemp(join(tmpdir(), 'websocket-star-'))
  const log = vi.spyOn(console, 'log').mockReturnValue()
  try {
    const file = join(directory, 'example.ts')
    const sources = {
      '@websocket-star/protocol': fileURLToPath(new URL('../src/index.ts', import.meta.url)),
      '@libp2p/crypto/keys': fileURLToPath(import.meta.resolve('@libp2p/crypto/keys'))
    }
    let runnable = example
    for (const [name, path] of Object.entries(sources)) runnable = runnable.replaceAll(`'${name}'`, `'${path}'`)
    await writeFile(file, runnable)
    await import(/* @vite-ignore */ pathToFileURL(file).href)
    return log.mock.calls.flat()
  } finally {
    log.mockRestore()
    await rm(directory, { recursive: true })
  }
}

function promisedBy(example: string): string[] {
  return [...example.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1] ?? '')
}

describe('the example', () => {
  test.each(['../src/index.ts', '../README.md'])('in %s runs, and logs what it says', async (path) => {
    const example = exampleIn(await textOf(path))
    const promised = promisedBy(example)
    expect(promised.length).toBeGreaterThan(0)
    expect((await logOf(example)).map(String)).toEqual(promised)
  })
})

describe('the README', () => {
  test('lists every wire error, and none that is not one', async () => {
    const rows = [...(await textOf('../README.md')).matchAll(/^\| `([a-z]\w+)` \| `([^`]+)` \|/gm)]
    expect(Object.fromEntries(rows.map((row) => [row[1], row[2]]))).toEqual(protocol.WIRE_ERRORS)
  })

  test('states the limits as they are', async () => {
    const readme = await textOf('../README.md')
    expect(readme).toContain(`${protocol.ADDRESS_MAX_LENGTH} characters`)
    expect(readme).toContain(`${protocol.PUBLIC_KEY_MAX_BYTES.toLocaleString('en')} bytes`)
  })
})

test('the package exports what it is documented to, and nothing by accident', () => {
  expect(Object.keys(protocol).toSorted()).toMatchInlineSnapshot(`
    [
      "ADDRESS_MAX_LENGTH",
      "CREDIT_MAX",
      "DIAL_ID_MAX_LENGTH",
      "EVENTS",
      "EXTENSIONS_VERSION",
      "InvalidAddressError",
      "InvalidKeyError",
      "InvalidNonceError",
      "InvalidOptionsError",
      "InvalidRequestError",
      "JOIN_DATA_MAX_LENGTH",
      "NONCE_MAX_LENGTH",
      "PUBLIC_KEY_MAX_BYTES",
      "RSA_MAX_BITS",
      "RSA_MIN_BITS",
      "SIGNATURE_HEX_MAX_LENGTH",
      "STREAM_EVENT_PREFIX",
      "StarError",
      "StarProtocolError",
      "WIRE_ERRORS",
      "WIRE_ERROR_MAX_LENGTH",
      "ackError",
      "assertNonceFor",
      "createDialId",
      "createNonce",
      "encodePublicKey",
      "endReason",
      "halfName",
      "isDialId",
      "isSameServer",
      "locationOf",
      "locationOfHost",
      "parseAcceptOptions",
      "parseAddress",
      "parseConnectAnswer",
      "parseConnectRequest",
      "parseCredit",
      "parseDialRequest",
      "parseDrainNotice",
      "parseHalfName",
      "parseJoinRequest",
      "parseLeaveRequest",
      "parseNonce",
      "parsePeersDelta",
      "parsePublicKey",
      "parseStreamEventName",
      "rebase",
      "serverUrl",
      "shortPeerId",
      "signNonce",
      "streamEventName",
      "unknownPublicAddress",
      "verifySignature",
      "wireErrorFor",
    ]
  `)
})
