import fc from 'fast-check'
import { Encoder, PacketType } from 'socket.io-parser'
import { describe, expect, test } from 'vitest'
import {
  ackText,
  connectErrorText,
  connectText,
  eventText,
  MalformedPacketError,
  readPacket
} from '../../src/codec/packet.js'

const TEXT_MAX_LENGTH = 65_536
const MAX_DEPTH = 16

/** Returns an event whose text has `length` characters. */
function eventOfLength(length: number, head = '2'): string {
  const empty = `${head}["e",""]`
  return `${head}["e","${'x'.repeat(length - empty.length)}"]`
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

function objectsOf(depth: number): string {
  return '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)
}

function eventOfDepth(depth: number, head = '2'): string {
  return `${head}["e",${nested(depth - 1)}]`
}

describe('reading a packet', () => {
  test.each([
    ['0', { type: 'connect', namespace: '/', auth: undefined }],
    ['0{"token":1}', { type: 'connect', namespace: '/', auth: { token: 1 } }],
    ['0/chat,', { type: 'connect', namespace: '/chat', auth: undefined }],
    ['0/chat', { type: 'connect', namespace: '/chat', auth: undefined }],
    ['0/chat,{"a":1}', { type: 'connect', namespace: '/chat', auth: { a: 1 } }],
    ['0/chat?token=1,', { type: 'connect', namespace: '/chat', auth: undefined }],
    ['0/chat?token=1', { type: 'connect', namespace: '/chat', auth: undefined }],
    ['0/?token=1', { type: 'connect', namespace: '/', auth: undefined }],
    ['1', { type: 'disconnect', namespace: '/' }],
    ['1/chat,', { type: 'disconnect', namespace: '/chat' }],
    ['2["e"]', { type: 'event', namespace: '/', id: undefined, attachments: 0, name: 'e', args: [] }],
    ['20["e",1,"b"]', { type: 'event', namespace: '/', id: 0, attachments: 0, name: 'e', args: [1, 'b'] }],
    ['2/chat,12["e",null]', { type: 'event', namespace: '/chat', id: 12, attachments: 0, name: 'e', args: [null] }],
    ['30[]', { type: 'ack', namespace: '/', id: 0, attachments: 0, args: [] }],
    ['3/chat,7["no"]', { type: 'ack', namespace: '/chat', id: 7, attachments: 0, args: ['no'] }],
    [
      '51-["e",{"_placeholder":true,"num":0}]',
      {
        type: 'event',
        namespace: '/',
        id: undefined,
        attachments: 1,
        name: 'e',
        args: [{ _placeholder: true, num: 0 }]
      }
    ],
    ['510-/chat,3["e"]', { type: 'event', namespace: '/chat', id: 3, attachments: 10, name: 'e', args: [] }],
    ['62-4[true]', { type: 'ack', namespace: '/', id: 4, attachments: 2, args: [true] }]
  ])('%s', (text, packet) => {
    expect(readPacket(text)).toEqual(packet)
  })

  test('the largest id keeps all its digits', () => {
    expect(readPacket('2999999999999999["e"]')).toMatchObject({ id: 999_999_999_999_999 })
  })

  test.each([
    ['nothing', ''],
    ['no type', '["e"]'],
    ['an unknown type', '7["e"]'],
    ['an event without JSON', '2'],
    ['an event of a namespace without JSON', '2/chat,'],
    ['an event with an id and no JSON', '21'],
    ['a binary event without JSON', '51-'],
    ['an acknowledgement without JSON', '31'],
    ['a binary acknowledgement without JSON', '61-1'],
    ['an event that is an object', '2{}'],
    ['an event without a name', '2[]'],
    ['an event named by a number', '2[1]'],
    ['an event named by an object', '2[{}]'],
    ['an event with half its JSON', '2["e"'],
    ['an event with something after its JSON', '2["e"]x'],
    ['an event with an id too long to be kept', '21234567890123456["e"]'],
    ['an event of a reserved name', '2["disconnect"]'],
    ['another event of a reserved name', '2["newListener"]'],
    ['an acknowledgement without an id', '3[]'],
    ['an acknowledgement with a negative id', '3-1[]'],
    ['an acknowledgement that is an object', '31{}'],
    ['a disconnect with JSON', '1{}'],
    ['a connect with an array', '0[]'],
    ['a connect with a text', '0"token"'],
    ['an error, which only servers send', '4"no"'],
    ['a connect error, which only servers send', '4{"message":"no"}'],
    ['a binary event without a count', '5["e"]'],
    ['a binary event with a count of none', '50-["e"]'],
    ['a binary event with too many attachments', '511-["e"]'],
    ['a binary event with a count of three digits', '5001-["e"]'],
    ['a binary event with a fraction of a count', '50.5-["e"]'],
    ['a plain event with a count', '21-["e"]']
  ])('%s is malformed', (_, text) => {
    expect(() => readPacket(text)).toThrow(MalformedPacketError)
  })

  test('a malformed packet does not affect the next', () => {
    expect(() => readPacket('2["e"')).toThrow(MalformedPacketError)
    expect(readPacket('2["f"]')).toMatchObject({ name: 'f' })
    expect(() => readPacket('9')).toThrow(MalformedPacketError)
  })
})

describe('a packet that is too large or too deep', () => {
  test('the largest text is read, one character more is not', () => {
    expect(readPacket(eventOfLength(TEXT_MAX_LENGTH))).toMatchObject({ type: 'event', name: 'e' })
    expect(readPacket(eventOfLength(TEXT_MAX_LENGTH + 1))).toMatchObject({
      type: 'unreadable',
      reason: 'oversized packet'
    })
  })

  test('the deepest JSON is read, one level more is not', () => {
    expect(readPacket(eventOfDepth(MAX_DEPTH))).toMatchObject({ type: 'event', name: 'e' })
    expect(readPacket(eventOfDepth(MAX_DEPTH + 1))).toMatchObject({ type: 'unreadable', reason: 'too deep' })
  })

  test('objects count as arrays do', () => {
    expect(readPacket(`2["e",${objectsOf(MAX_DEPTH - 1)}]`)).toMatchObject({ type: 'event' })
    expect(readPacket(`2["e",${objectsOf(MAX_DEPTH)}]`)).toMatchObject({ type: 'unreadable' })
  })

  test('depth is that of the deepest value, however many there are', () => {
    expect(readPacket(`2["e",${Array.from({ length: 500 }, () => '[[{}]]').join()}]`)).toMatchObject({ type: 'event' })
    expect(readPacket(`2["e",[],[],${nested(MAX_DEPTH)}]`)).toMatchObject({ type: 'unreadable' })
  })

  test.each([
    ['brackets in a text', '['.repeat(100)],
    ['braces in a text', '{'.repeat(100)],
    ['brackets after an escaped quote', `"${'['.repeat(100)}`],
    ['brackets after an escaped backslash and quote', `\\"${'['.repeat(100)}`],
    ['brackets after quotes in pairs', `""${'['.repeat(100)}"`]
  ])('%s do not count', (_, value) => {
    expect(readPacket(`2${JSON.stringify(['e', value, [value]])}`)).toMatchObject({ args: [value, [value]] })
  })

  test('brackets after a text that ends in a backslash count', () => {
    const text = `2${JSON.stringify(['e', '\\'])}`.replace(/\]$/, `,${nested(MAX_DEPTH)}]`)
    expect(readPacket(text)).toMatchObject({ type: 'unreadable', reason: 'too deep' })
  })

  test.each([
    ['2', { kind: 'event', namespace: '/', id: undefined, attachments: 0 }],
    ['2/chat?a=b,17', { kind: 'event', namespace: '/chat', id: 17, attachments: 0 }],
    ['53-/chat,5', { kind: 'event', namespace: '/chat', id: 5, attachments: 3 }],
    ['39', { kind: 'ack', namespace: '/', id: 9, attachments: 0 }],
    ['61-9', { kind: 'ack', namespace: '/', id: 9, attachments: 1 }]
  ])('the envelope of %s is kept', (head, envelope) => {
    const deep = eventOfDepth(MAX_DEPTH + 1, head)
    const large = eventOfLength(TEXT_MAX_LENGTH + 1, head)
    expect(readPacket(deep)).toEqual({ type: 'unreadable', reason: 'too deep', text: deep, ...envelope })
    expect(readPacket(large)).toEqual({ type: 'unreadable', reason: 'oversized packet', text: large, ...envelope })
  })

  test.each(['0', '1', '4'])('of type %s it is malformed', (head) => {
    expect(() => readPacket(head + nested(4000))).toThrow(MalformedPacketError)
    expect(() => readPacket(`${head}{"a":"${'x'.repeat(TEXT_MAX_LENGTH)}"}`)).toThrow(MalformedPacketError)
  })

  test('JSON of any depth is rejected without recursion', () => {
    expect(readPacket(`2["e",${'['.repeat(1_000_000)}`)).toMatchObject({ reason: 'oversized packet' })
    expect(readPacket(`2["e",${'['.repeat(60_000)}`)).toMatchObject({ reason: 'too deep' })
  })
})

describe('for any text', () => {
  const valid = fc.constantFrom<string[]>(
    '0{"token":1}',
    '0/chat?token=1,{"a":1}',
    '1/chat,',
    '23["ss-join","/ip4/127.0.0.1",""]',
    '2/chat,12["e",{"a":[1,"\\"]"]}]',
    '30[null,["x"]]',
    '51-["socket.io-pull-stream.queue.a.dialer",{"_placeholder":true,"num":0}]',
    '62-4[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
  )
  const edit = fc.tuple(
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom(...'05-/,["'))
  )
  const damaged = fc.tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([text, edits]) => {
    return edits.reduce((damaged, [position, removed, inserted]) => {
      const at = position % (damaged.length + 1)
      return damaged.slice(0, at) + inserted + damaged.slice(at + removed)
    }, text)
  })
  const packetLike = fc
    .tuple(fc.constantFrom(...'0123456'), fc.string({ maxLength: 12 }))
    .map((parts) => parts.join(''))

  test('the answer is a whole packet or a MalformedPacketError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), packetLike, damaged), (text) => {
        try {
          const packet = readPacket(text)
          if (packet.type === 'event' || packet.type === 'ack') expect(packet.args).toBeInstanceOf(Array)
          if (packet.type === 'event') expect(packet.name).toBeTypeOf('string')
          if (packet.type === 'ack') expect(packet.id).toBeTypeOf('number')
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPacketError)
        }
      }),
      { numRuns: 3000 }
    )
  })

  test("what socket.io's own encoder writes is read back equal", () => {
    const namespace = fc.constantFrom('/', '/chat', '/a/b')
    const id = fc.option(fc.nat(), { nil: undefined })
    const args = fc.array(fc.jsonValue({ maxDepth: 6 }), { maxLength: 4 })
    const name = fc.string().map((text) => `e${text}`)
    fc.assert(
      fc.property(namespace, id, name, args, fc.boolean(), (nsp, id, name, args, isAck) => {
        const type = isAck ? PacketType.ACK : PacketType.EVENT
        const data = isAck ? args : [name, ...args]
        // Without binary it is one text.
        const [text] = new Encoder().encode({ type, nsp, data, id: isAck ? (id ?? 0) : id }) as [string]
        // Values that JSON does not distinguish are equal, such as 0 and -0.
        const told = JSON.parse(JSON.stringify(args)) as unknown[]
        expect(readPacket(text)).toEqual(
          isAck
            ? { type: 'ack', namespace: nsp, id: id ?? 0, attachments: 0, args: told }
            : { type: 'event', namespace: nsp, id, attachments: 0, name, args: told }
        )
      })
    )
  })
})

describe('the texts a server sends', () => {
  test('an event, with and without an id', () => {
    expect(eventText('ws-peer', ['/a'])).toBe('2["ws-peer","/a"]')
    expect(eventText('ss-incomming', ['id', '/a'], 0)).toBe('20["ss-incomming","id","/a"]')
  })

  test('an acknowledgement', () => {
    expect(ackText(0, [])).toBe('30[]')
    expect(ackText(31, [null, null, ['/a']])).toBe('331[null,null,["/a"]]')
  })

  test('the answer to CONNECT', () => {
    expect(connectText('abc', undefined)).toBe('0{"sid":"abc"}')
    expect(connectText('abc', { messageSize: 5 })).toBe(
      '0{"sid":"abc","websocketStar":{"version":2,"limits":{"messageSize":5}}}'
    )
  })

  test('the refusal of a namespace, as each revision knows it', () => {
    expect(connectErrorText('/chat', 3)).toBe('4/chat,"Invalid namespace"')
    expect(connectErrorText('/chat', 4)).toBe('4/chat,{"message":"Invalid namespace"}')
  })

  test('texts and lists are left as they are', () => {
    const args = ['"quoted"', ['[', '/a,b']]
    expect(readPacket(eventText('e', args, 5))).toMatchObject({ name: 'e', args, id: 5 })
    expect(args).toEqual(['"quoted"', ['[', '/a,b']])
  })
})
