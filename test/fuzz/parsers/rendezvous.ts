import { isIPv6 } from 'node:net'
import { parseAddress } from '@websocket-star/protocol'
import fc from 'fast-check'
import { ackText, eventText, MalformedPacketError, readPacket } from '../../../packages/rendezvous/src/codec/packet.js'
import {
  acceptText,
  chunkHeader,
  creditText,
  errorText,
  readQueueHeader,
  readStreamEvent,
  readUnreadableEvent,
  type StreamFrame
} from '../../../packages/rendezvous/src/codec/stream-frame.js'
import { multiaddrForHost } from '../../../packages/rendezvous/src/http/shown-address.js'
import { networkOf } from '../../../packages/rendezvous/src/pacing/remote-address.js'
import { anything, edited, starAddress } from './arbitraries.js'
import { defineParser, holds, readOrRefuse, same } from './parser.js'

const stream = fc.stringMatching(/^[A-Za-z0-9_~.:-]{1,12}\.(?:dialer|listener)$/)
const streamEvent = fc
  .tuple(fc.constantFrom('accept', 'queue', 'error', 'credit'), stream)
  .map(([kind, stream]) => `socket.io-pull-stream.${kind}.${stream}`)
const argument = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  starAddress,
  fc.constant({ _placeholder: true, num: 0 }),
  fc.record({ window: fc.integer() }),
  fc.integer()
)
const eventArguments = fc.tuple(
  fc.oneof(streamEvent, fc.constantFrom('ss-join', 'ss-leave', 'ss-dial', 'disconnect'), fc.string()),
  fc.array(argument, { maxLength: 3 })
)
const packetText = fc
  .tuple(
    fc.constantFrom('0', '1', '2', '3', '4', '51-', '61-', '5', '52-', '7'),
    fc.constantFrom('', '', '', '/,', '/x,', '/?token=1,'),
    fc.oneof({ arbitrary: fc.constant(''), weight: 2 }, fc.nat().map(String)),
    fc.oneof({ arbitrary: eventArguments.map(([name, args]) => [name, ...args]), weight: 4 }, fc.jsonValue())
  )
  .map(([type, namespace, id, data]) => `${type}${namespace}${id}${JSON.stringify(data)}`)

const packet = defineParser({
  name: 'packet',
  share: 1_500,
  inputs: fc.oneof({ arbitrary: edited(packetText), weight: 6 }, fc.string({ unit: 'binary' })),
  read: (text) => {
    const read = readOrRefuse(() => readPacket(text), MalformedPacketError)
    if (read === undefined || !('attachments' in read) || read.attachments > 0 || read.namespace !== '/') return
    if (read.type === 'event') {
      // Names that socket.io keeps to itself are read as well, and known to nobody.
      const again = readPacket(eventText(read.name, read.args, read.id))
      same('the event, written and read', JSON.stringify(again), JSON.stringify(read))
    } else if (read.type === 'ack') {
      same(
        'the answer, written and read',
        JSON.stringify(readPacket(ackText(read.id, read.args))),
        JSON.stringify(read)
      )
    } else {
      readUnreadableEvent(read)
    }
  }
})

const queueText = stream.map((stream) => chunkHeader(stream).text)

const streamFrame = defineParser({
  name: 'stream-frame',
  share: 1_500,
  inputs: fc.tuple(
    edited(queueText),
    fc.oneof(edited(streamEvent), streamEvent),
    fc.array(fc.oneof(argument, anything), { maxLength: 2 }),
    fc.nat({ max: 11 })
  ),
  read: ([text, name, args, attachments]) => {
    const header = readQueueHeader(text)
    if (header !== undefined) same('the header, written again', chunkHeader(header.stream).text, text)
    const frame = readStreamEvent(name, args, attachments)
    const written = frame === undefined ? undefined : writtenFrame(frame as StreamFrame) // a header is none of its cases
    if (written === undefined) return
    const again = readPacket(written)
    if (again.type !== 'event') throw new Error(`the event, written and read, is of type ${again.type}`)
    same('the event, written and read', readStreamEvent(again.name, again.args, 0), frame)
  }
})

function writtenFrame(frame: StreamFrame): string | undefined {
  switch (frame.kind) {
    case 'accept':
      return acceptText(frame.stream, frame.window)
    case 'credit':
      return creditText(frame.stream, frame.bytes)
    case 'error':
      return errorText(frame.stream, frame.reason)
    default:
      return undefined
  }
}

const hostText = fc
  .tuple(
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.ipV6()
    ),
    fc.oneof(
      fc.constant(''),
      fc.nat({ max: 70_000 }).map((port) => `:${port}`)
    )
  )
  .map((parts) => parts.join(''))

const host = defineParser({
  name: 'host',
  share: 500,
  inputs: fc.tuple(fc.oneof(edited(hostText), fc.string({ unit: 'binary' })), fc.boolean()),
  read: ([text, secure]) => {
    const shown = multiaddrForHost(text, secure)
    holds('it is one that clients join under', shown === undefined || parseAddress(shown).strict)
  }
})

const network = defineParser({
  name: 'network',
  share: 1_000,
  inputs: fc.oneof(fc.ipV6(), fc.ipV4(), edited(fc.ipV6())),
  read: (ip) => {
    const network = networkOf(ip)
    if (!isIPv6(ip) || ip.includes('.')) return
    const groups = /^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){3}$/
    holds(`four groups: ${network}`, groups.test(network))
    same('the network of its first address', networkOf(`${network}::`), network)
  }
})

export const RENDEZVOUS_PARSERS = [packet, streamFrame, host, network]
