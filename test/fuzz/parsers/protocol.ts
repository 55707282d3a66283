import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import {
  ackError,
  ADDRESS_MAX_LENGTH,
  assertNonceFor,
  createNonce,
  encodePublicKey,
  endReason,
  halfName,
  InvalidAddressError,
  InvalidKeyError,
  InvalidNonceError,
  InvalidRequestError,
  isDialId,
  parseAcceptOptions,
  parseAddress,
  parseConnectAnswer,
  parseConnectRequest,
  parseCredit,
  parseDialRequest,
  parseDrainNotice,
  parseHalfName,
  parseJoinRequest,
  parseLeaveRequest,
  parseNonce,
  parsePeersDelta,
  parsePublicKey,
  parseStreamEventName,
  rebase,
  serverUrl,
  shortPeerId,
  streamEventName,
  verifySignature,
  wireErrorFor,
  WIRE_ERROR_MAX_LENGTH
} from '@websocket-star/protocol'
import fc from 'fast-check'
import { anything, damagedAddress, edited, editedBytes, starAddress, wellFormedParts } from './arbitraries.js'
import { defineParser, holds, readOrRefuse, same } from './parser.js'

const anyAddress = fc.oneof(starAddress, damagedAddress, edited(starAddress), wellFormedParts, anything)

const address = defineParser({
  name: 'address',
  share: 2_000,
  inputs: anyAddress,
  read: (text) => {
    const read = readOrRefuse(() => parseAddress(text), InvalidAddressError)
    if (read === undefined) return
    const { canonical, legacy, prefix, peerId } = read
    same('the canonical text, read', parseAddress(canonical), read)
    same('the legacy text, read', parseAddress(legacy), read)
    holds('both are short enough', Math.max(canonical.length, legacy.length) <= ADDRESS_MAX_LENGTH)
    if (prefix !== undefined && peerId !== undefined) {
      const rebased = readOrRefuse(() => parseAddress(rebase(peerId, prefix, 'legacy')), InvalidAddressError)
      holds('a peer can be told of under a prefix', rebased?.peerId === peerId && rebased.prefix === prefix)
    }
    const url = readOrRefuse(() => serverUrl(read), InvalidAddressError)
    holds('a URL is an origin', url === undefined || new URL(url).origin === url)
    shortPeerId(peerId ?? '')
  }
})

/** Public keys as clients send them: hex of libp2p's protobuf. */
const KEYS = (
  [
    ['ed25519', 1],
    ['secp256k1', 2],
    [1024, 0],
    [2048, 0]
  ] as const
).map(([kind, type]) => {
  const raw = rawKey(kind)
  const size = raw.length < 0x80 ? [raw.length] : [(raw.length & 0x7f) | 0x80, raw.length >> 7]
  return Buffer.from([0x08, type, 0x12, ...size, ...raw])
})

function rawKey(kind: 'ed25519' | 'secp256k1' | number): Buffer {
  if (kind === 'ed25519')
    return generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  if (kind !== 'secp256k1') {
    return generateKeyPairSync('rsa', { modulusLength: kind }).publicKey.export({ type: 'spki', format: 'der' })
  }
  const point = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    .publicKey.export({ type: 'spki', format: 'der' })
    .subarray(-65)
  return Buffer.from([2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33)])
}

const anyKey = editedBytes(fc.constantFrom(...KEYS))
const keyText = fc
  .tuple(anyKey, fc.constantFrom('hex' as const, 'base64' as const, 'base64url' as const))
  .map(([key, form]) => key.toString(form))

const key = defineParser({
  name: 'key',
  share: 300,
  inputs: fc.oneof({ arbitrary: keyText, weight: 4 }, edited(keyText), anything),
  read: (text) => {
    // What comes is not always what the type says.
    const read = readOrRefuse(() => parsePublicKey(text as string), InvalidKeyError)
    if (read === undefined) return
    same('the key, written and read', parsePublicKey(encodePublicKey(read.key)).peerIds, read.peerIds)
    holds(
      'it has a peer id',
      read.peerIds.length > 0 && read.peerIds.every((id) => parseAddress(`/p2p/${id}`).peerId === id)
    )
  }
})

const SIGNER = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${'42'.repeat(32)}`, 'hex'),
  format: 'der',
  type: 'pkcs8'
})
const SIGNED = `websocket-star:join:1 /dns4/star.example.com/wss/p2p-websocket-star ${'A'.repeat(43)}`
const SIGNATURE = sign(null, Buffer.from(SIGNED), SIGNER)
const SIGNED_BY = parsePublicKey(Buffer.from([0x08, 1, 0x12, 32, ...(await rawOf(SIGNER))]).toString('hex'))

async function rawOf(privateKey: typeof SIGNER): Promise<Buffer> {
  const { createPublicKey } = await import('node:crypto')
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-32)
}

const signature = defineParser({
  name: 'signature',
  share: 30,
  inputs: fc.tuple(
    fc.oneof(fc.constant(SIGNED), edited(fc.constant(SIGNED))),
    fc.oneof(
      { arbitrary: editedBytes(fc.constant(SIGNATURE)).map((bytes) => bytes.toString('hex')), weight: 4 },
      anything
    )
  ),
  read: async ([nonce, hex]) => {
    const isTrue = await verifySignature(SIGNED_BY, nonce, hex as string) // not always what the type says
    same('it is good for its nonce only', isTrue, nonce === SIGNED && hex === SIGNATURE.toString('hex'))
  }
})

const RANDOM = fc.stringMatching(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/)
const nonceText = fc.tuple(starAddress, RANDOM).map(([address, random]) => `websocket-star:join:1 ${address} ${random}`)

const nonce = defineParser({
  name: 'nonce',
  share: 500,
  inputs: fc.tuple(fc.oneof({ arbitrary: edited(nonceText), weight: 4 }, anything), starAddress),
  read: ([text, joined]) => {
    const read = readOrRefuse(() => parseNonce(text), InvalidNonceError)
    if (read !== undefined) {
      const bytes = Buffer.from(read.random, 'base64url')
      same(
        'the nonce, written again',
        createNonce(read.address, (target) => target.set(bytes)),
        text
      )
    }
    const own = readOrRefuse(() => parseAddress(joined), InvalidAddressError)
    if (own === undefined) return
    const isOwn = readOrRefuse(() => assertNonceFor(text, own) ?? true, InvalidNonceError) === true
    same('only a nonce for the address is signed', isOwn, read?.address.canonical === own.canonical)
  }
})

const dialId = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_~.:-]{1,40}$/), fc.string({ unit: 'binary', maxLength: 140 }))

const requests = defineParser({
  name: 'requests',
  share: 1_000,
  inputs: fc.array(fc.oneof(starAddress, damagedAddress, dialId, anything), { maxLength: 5 }),
  read: (args) => {
    for (const parse of [parseJoinRequest, parseLeaveRequest, parseDialRequest]) {
      try {
        parse(args)
      } catch (error) {
        if (!(error instanceof InvalidAddressError || error instanceof InvalidRequestError)) throw error
        holds('its text for the wire is short', wireErrorFor(error).length <= WIRE_ERROR_MAX_LENGTH)
      }
    }
  }
})

const delta = fc.record(
  {
    joined: fc.array(fc.oneof(starAddress, anything), { maxLength: 5 }),
    left: fc.oneof(fc.array(starAddress, { maxLength: 3 }), anything),
    full: fc.oneof(fc.boolean(), anything),
    more: fc.oneof(fc.boolean(), anything),
    window: fc.oneof(fc.integer(), fc.double(), anything),
    afterMs: fc.oneof(fc.double(), anything),
    websocketStar: fc.oneof(
      fc.record({
        version: fc.oneof(fc.integer(), anything),
        peers: fc.constantFrom('deltas', 'none', 'x'),
        limits: anything
      }),
      anything
    ),
    message: fc.oneof(fc.string(), anything)
  },
  { requiredKeys: [] }
)

const extensions = defineParser({
  name: 'extensions',
  share: 1_000,
  inputs: fc.oneof(delta, anything, fc.double()),
  read: (value) => {
    const { window } = parseAcceptOptions(value)
    holds('a window is a number of bytes', window === undefined || (Number.isInteger(window) && window >= 0))
    const credit = parseCredit(value)
    holds('credit is a number of bytes', credit === undefined || (Number.isInteger(credit) && credit > 0))
    const version = parseConnectRequest(value)?.version
    holds('a version is a number', version === undefined || Number.isInteger(version))
    const limits = Object.values(parseConnectAnswer(value)?.limits ?? {})
    holds('limits are numbers', limits.every(Number.isFinite))
    const peers = parsePeersDelta(value)
    holds(
      'peers are texts',
      [...(peers?.joined ?? []), ...(peers?.left ?? [])].every((peer) => typeof peer === 'string')
    )
    const afterMs = parseDrainNotice(value)?.afterMs ?? 0
    holds('a delay fits a timer', afterMs >= 0 && afterMs < 2 ** 31)
    for (const text of [endReason(value), ackError(value)]) {
      holds('a reason is short', typeof text !== 'string' || text.length <= WIRE_ERROR_MAX_LENGTH)
    }
  }
})

const half = fc.tuple(dialId, fc.constantFrom('.dialer', '.listener', '')).map((parts) => parts.join(''))
const eventName = fc
  .tuple(
    fc.constantFrom('socket.io-pull-stream.', ''),
    fc.constantFrom('accept', 'queue', 'error', 'credit', 'x'),
    half
  )
  .map(([prefix, kind, stream]) => `${prefix}${kind}.${stream}`)

const names = defineParser({
  name: 'names',
  share: 2_000,
  inputs: fc.oneof(edited(eventName), half),
  read: (name) => {
    const event = parseStreamEventName(name)
    if (event !== undefined)
      same('the name of the event, written again', streamEventName(event.kind, event.stream), name)
    const stream = event?.stream ?? name
    const half = parseHalfName(stream)
    if (half === undefined) return
    same('the name of the half, written again', halfName(half.dialId, half.side), stream)
    holds('its dial has an id', isDialId(half.dialId))
  }
})

export const PROTOCOL_PARSERS = [address, key, signature, nonce, requests, extensions, names]
