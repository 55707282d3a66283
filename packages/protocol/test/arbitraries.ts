import * as fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'

/** Values of any type: JSON of any shape, texts of any characters. */
export const anything = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
  fc.jsonValue(),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(undefined, null, true, false, 0, -0, '', Number.NaN, Symbol('s'), () => 1, 10n ** 30n)
)

const sha256Id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((digest) => [0x12, 32, ...digest])
const identityId = fc.uint8Array({ minLength: 1, maxLength: 42 }).map((digest) => [0, digest.length, ...digest])

export const peerId = fc
  .oneof(sha256Id, identityId)
  .map((bytes) => base58btc.encoder.baseEncode(Uint8Array.from(bytes)))

const port = fc.integer({ min: 0, max: 65_535 })
const name = fc.oneof(fc.domain(), fc.constantFrom('localhost', 'p2p', 'ipfs', 'tcp', 'ws', 'xn--bcher-kva.example'))
const nameProtocol = fc.constantFrom('dns', 'dns4', 'dns6', 'dnsaddr')

const host = fc.oneof(
  fc.ipV4().map((ip) => `/ip4/${ip}`),
  fc.ipV6().map((ip) => `/ip6/${ip}`),
  fc.tuple(nameProtocol, name).map(([protocol, value]) => `/${protocol}/${value}`)
)
const maybePort = fc.option(
  port.map((number) => `/tcp/${number}`),
  { nil: '' }
)

/** Components in any order, each of them valid for legacy multiaddr. */
export const wellFormedParts = fc
  .array(
    fc.oneof(
      host,
      port.map((number) => `/tcp/${number}`),
      port.map((number) => `/udp/${number}`),
      fc.constantFrom('/ws', '/wss', '/http', '/p2p-websocket-star', '/p2p-circuit', '/p2p-webrtc-star'),
      peerId.map((id) => `/ipfs/${id}`)
    ),
    { minLength: 1, maxLength: 7 }
  )
  .map((parts) => parts.join(''))

/** Prefixes, most of them strict. */
export function prefixOver(...transports: string[]): fc.Arbitrary<string> {
  return fc
    .tuple(host, maybePort, fc.constantFrom(...transports))
    .map(([server, tcp, transport]) => `${server}${tcp}${transport}/p2p-websocket-star`)
}

export const starAddress = fc
  .tuple(
    prefixOver('/ws', '/wss', '/tls/ws', '/tls/sni/star.example.com/ws'),
    fc.constantFrom('', '/ipfs/', '/p2p/'),
    peerId,
    fc.constantFrom('', '/')
  )
  .map(([prefix, protocol, id, slash]) => `${prefix}${protocol}${protocol === '' ? '' : id}${slash}`)

/** An address with a few characters replaced, dropped or repeated. */
export const damagedAddress = fc
  .tuple(
    starAddress,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.string({ maxLength: 3 })), { minLength: 1, maxLength: 3 })
  )
  .map(([text, edits]) => {
    let damaged = text
    for (const [position, removed, inserted] of edits) {
      const at = position % (damaged.length + 1)
      damaged = damaged.slice(0, at) + inserted + damaged.slice(at + removed)
    }
    return damaged
  })
