import fc from 'fast-check'

export {
  anything,
  damagedAddress,
  peerId,
  starAddress,
  wellFormedParts
} from '../../../packages/protocol/test/arbitraries.js'

const byte = fc.nat({ max: 255 })

/** Texts that parsers trip over. */
const odd = fc.constantFrom(
  '',
  '[',
  ']',
  '{',
  '}',
  '"',
  '\\',
  '\\u0000',
  '\u0000',
  '\ud800',
  '\u{1f600}',
  '/',
  '//',
  '/p2p/',
  '/ipfs/',
  '..',
  '-',
  '51-',
  '52-',
  ',',
  ':',
  '%',
  '%00',
  ' ',
  '\n',
  '\t',
  '|',
  '-1',
  '0',
  '1e9',
  '1e400',
  '9007199254740992',
  '__proto__',
  'constructor',
  'null',
  'true',
  '{"_placeholder":true,"num":0}',
  '['.repeat(200),
  'a'.repeat(2_000)
)

const textEdit = fc.tuple(
  fc.nat({ max: 4_096 }),
  fc.nat({ max: 6 }),
  fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 3 }))
)

/** A text as it should be, or with a few edits. */
export function edited(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(texts, fc.array(textEdit, { maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((text, [position, removed, inserted]) => {
      const at = position % (text.length + 1)
      return text.slice(0, at) + inserted + text.slice(at + removed)
    }, text)
  )
}

const byteEdit = fc.oneof(
  fc.record({ at: fc.nat(), removed: fc.constant(1), inserted: fc.tuple(byte) }),
  fc.record({ at: fc.nat(), removed: fc.nat({ max: 8 }), inserted: fc.array(byte, { maxLength: 8 }) })
)

/** Bytes as they should be, or with a few edits, or cut short. */
export function editedBytes(arrays: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const cut = fc.option(fc.nat({ max: 400 }), { nil: undefined, freq: 3 })
  return fc.tuple(arrays, fc.array(byteEdit, { maxLength: 3 }), cut).map(([array, edits, cut]) =>
    edits
      .reduce((bytes, { at, removed, inserted }) => {
        const start = at % (bytes.length + 1)
        return Buffer.concat([bytes.subarray(0, start), Buffer.from(inserted), bytes.subarray(start + removed)])
      }, Buffer.from(array))
      .subarray(0, cut)
  )
}
