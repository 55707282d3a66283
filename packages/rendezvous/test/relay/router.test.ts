import { WIRE_ERRORS } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { StreamFrame } from '../../src/codec/stream-frame.js'
import { FlowControl } from '../../src/relay/flow-control.js'
import type { Half } from '../../src/relay/half.js'
import { Router } from '../../src/relay/router.js'
import { Counters } from '../../src/stats.js'
import { RecordingSession } from '../support/recording-session.js'

const STREAM = 'a.dialer'
const BACK = 'a.listener'
const PAYLOAD = Buffer.from('hello')

type Endpoint = 'sender' | 'receiver' | 'stranger'
type Phase = 'waiting' | 'accepted' | 'ended'

const FRAMES = {
  text: { kind: 'bad chunk', stream: STREAM },
  accept: { kind: 'accept', stream: STREAM, window: 262_144 },
  credit: { kind: 'credit', stream: STREAM, bytes: 5 },
  end: { kind: 'error', stream: STREAM, reason: true },
  failure: { kind: 'error', stream: STREAM, reason: 'gone' }
} satisfies Record<string, StreamFrame>

/** What an endpoint sends: a frame, or a chunk, which goes to its half. */
type Sent = keyof typeof FRAMES | 'chunk'

const OPTIONS = { streamsPerSession: 4, acceptTimeout: 60_000 }
const FLOW = { highWaterMark: 1_000, sessionCeiling: 4_000, pauseTimeout: 30_000 }

describe('the router', () => {
  let router: Router
  let counters: Counters
  let now: number
  let endpoints: Record<Endpoint, RecordingSession>

  beforeEach(() => {
    now = 1_000_000
    counters = new Counters()
    const clock = () => now
    const flow = new FlowControl(FLOW, counters, clock)
    router = new Router(OPTIONS, flow, counters, clock)
    endpoints = {
      sender: new RecordingSession('sender'),
      receiver: new RecordingSession('receiver'),
      stranger: new RecordingSession('stranger')
    }
  })

  function open(stream = STREAM, partner?: Half): Half {
    return router.open(stream, endpoints.sender.session, endpoints.receiver.session, partner)
  }

  function route(endpoint: Endpoint, frame: StreamFrame): void {
    router.route(endpoints[endpoint].session, frame)
  }

  /** A chunk goes where its name leads; the session itself counts one that leads nowhere. */
  function sendChunk(endpoint: Endpoint, stream = STREAM, bytes = PAYLOAD, offset = 0): void {
    const { session } = endpoints[endpoint]
    const half = router.find(session, stream)
    if (half === undefined) counters.drop('unknown stream')
    else router.chunk(half, session, bytes, offset)
  }

  function send(endpoint: Endpoint, sent: Sent): void {
    if (sent === 'chunk') sendChunk(endpoint)
    else route(endpoint, FRAMES[sent])
  }

  /** The receiver accepts, and the endpoints forget what they were told of it. */
  function accept(window: number | undefined): void {
    route('receiver', { kind: 'accept', stream: STREAM, window })
    for (const { sent } of Object.values(endpoints)) sent.length = 0
  }

  /** Both halves of a dial, accepted by their receivers, of which nothing was sent yet. */
  function openDial(): [Half, Half] {
    const half = open()
    const back = router.open(BACK, endpoints.receiver.session, endpoints.sender.session, half)
    route('receiver', FRAMES.accept)
    route('sender', { kind: 'accept', stream: BACK, window: undefined })
    for (const { sent } of Object.values(endpoints)) sent.length = 0
    return [half, back]
  }

  const passedOn = {
    chunk: ['receiver', ['chunk', STREAM, PAYLOAD]],
    accept: ['sender', ['accept', STREAM, 262_144]],
    credit: ['sender', ['credit', STREAM, 5]],
    endToReceiver: ['receiver', ['error', STREAM, true]],
    failureToReceiver: ['receiver', ['error', STREAM, 'gone']],
    endToSender: ['sender', ['error', STREAM, true]],
    failureToSender: ['sender', ['error', STREAM, 'gone']]
  } as const

  test.each<[Phase, Endpoint, Sent, keyof typeof passedOn]>([
    ['waiting', 'sender', 'end', 'endToReceiver'],
    ['waiting', 'sender', 'failure', 'failureToReceiver'],
    ['waiting', 'receiver', 'accept', 'accept'],
    ['waiting', 'receiver', 'end', 'endToSender'],
    ['waiting', 'receiver', 'failure', 'failureToSender'],
    ['accepted', 'sender', 'chunk', 'chunk'],
    ['accepted', 'sender', 'end', 'endToReceiver'],
    ['accepted', 'sender', 'failure', 'failureToReceiver'],
    ['accepted', 'receiver', 'credit', 'credit'],
    ['accepted', 'receiver', 'end', 'endToSender'],
    ['accepted', 'receiver', 'failure', 'failureToSender']
  ])('%s: a %s may send %s', (phase, endpoint, frame, passed) => {
    const half = open()
    endpoints.sender.extended = true
    if (phase === 'accepted') accept(262_144)
    send(endpoint, frame)
    const [to, sent] = passedOn[passed]
    for (const [name, { sent: got }] of Object.entries(endpoints)) expect(got).toEqual(name === to ? [sent] : [])
    expect(counters.snapshot()).toMatchObject({ dropped: {}, reset: {} })
    expect(half.ended).toBe(frame === 'end' || frame === 'failure')
    expect(router.size).toBe(half.ended ? 0 : 1)
  })

  test.each<[Phase, Endpoint, Sent, string]>([
    ['waiting', 'sender', 'accept', 'foreign stream'],
    ['waiting', 'sender', 'credit', 'foreign stream'],
    ['waiting', 'receiver', 'credit', 'credit without window'],
    ['waiting', 'receiver', 'chunk', 'foreign stream'],
    ['waiting', 'receiver', 'text', 'foreign stream'],
    ['accepted', 'sender', 'accept', 'foreign stream'],
    ['accepted', 'sender', 'credit', 'foreign stream'],
    ['accepted', 'receiver', 'chunk', 'foreign stream'],
    ['accepted', 'receiver', 'text', 'foreign stream'],
    ['accepted', 'receiver', 'accept', 'repeated accept'],
    ...(['waiting', 'accepted'] as const).flatMap((phase) =>
      (['chunk', 'text', 'accept', 'credit', 'end', 'failure'] as const).map(
        (frame): [Phase, Endpoint, Sent, string] => [phase, 'stranger', frame, 'unknown stream']
      )
    ),
    ...(['sender', 'receiver', 'stranger'] as const).flatMap((endpoint) =>
      (['chunk', 'text', 'accept', 'credit', 'end', 'failure'] as const).map(
        (frame): [Phase, Endpoint, Sent, string] => ['ended', endpoint, frame, 'unknown stream']
      )
    )
  ])('%s: what a %s sends as %s is dropped', (phase, endpoint, frame, reason) => {
    const half = open()
    if (phase === 'accepted') accept(undefined)
    if (phase === 'ended') router.drop(half)
    send(endpoint, frame)
    for (const { sent } of Object.values(endpoints)) expect(sent).toEqual([])
    expect(counters.snapshot()).toMatchObject({ dropped: { [reason]: 1 }, reset: {}, relayed: { chunks: 0 } })
    expect(half.ended).toBe(phase === 'ended')
  })

  test.each([
    ['before it is accepted', 'waiting', 'chunk', WIRE_ERRORS.dataBeforeAccept, 'data before accept'],
    ['that is no chunk', 'accepted', 'text', WIRE_ERRORS.notBinary, 'payload'],
    ['that is no chunk, before it is accepted', 'waiting', 'text', WIRE_ERRORS.notBinary, 'payload']
  ] as const)('data %s ends both halves', (_, phase, frame, message, reason) => {
    const half = open()
    const back = router.open(BACK, endpoints.receiver.session, endpoints.sender.session, half)
    if (phase === 'accepted') accept(undefined)
    send('sender', frame)
    const told = [
      ['error', STREAM, message],
      ['error', BACK, message]
    ]
    expect(endpoints.sender.sent).toEqual(told)
    expect(endpoints.receiver.sent).toEqual(told)
    expect([half, back].map(({ ended, failure }) => [ended, failure])).toEqual([
      [true, message],
      [true, message]
    ])
    expect(counters.snapshot().reset).toEqual({ [reason]: 1 })
    expect(router.size).toBe(0)
  })

  test('chunks are counted, empty ones too', () => {
    open()
    accept(undefined)
    sendChunk('sender')
    sendChunk('sender', STREAM, Buffer.alloc(0))
    expect(counters.relayed).toEqual({ chunks: 2, bytes: 5 })
    expect(endpoints.receiver.sent).toHaveLength(2)
    expect(endpoints.receiver.sent[0]?.[2]).toBe(PAYLOAD)
  })

  test('the byte that revision 3 puts before a payload is no part of it', () => {
    open()
    accept(undefined)
    sendChunk('sender', STREAM, Buffer.from('\x04hello'), 1)
    expect(counters.relayed).toEqual({ chunks: 1, bytes: 5 })
    expect(endpoints.receiver.sent).toEqual([['chunk', STREAM, PAYLOAD]])
  })

  test('a chunk whose header came before the end of its half is dropped, though the name is taken anew', () => {
    const half = open()
    router.drop(half)
    open()
    accept(undefined)
    router.chunk(half, endpoints.sender.session, PAYLOAD, 0)
    expect(endpoints.receiver.sent).toEqual([])
    expect(counters.snapshot().dropped).toEqual({ 'unknown stream': 1 })
  })

  test('chunks pass once the receiver has accepted, without a window too', () => {
    open()
    route('receiver', { kind: 'accept', stream: STREAM, window: undefined })
    sendChunk('sender')
    expect(endpoints.sender.sent).toEqual([['accept', STREAM, undefined]])
    expect(endpoints.receiver.sent).toEqual([['chunk', STREAM, PAYLOAD]])
  })

  test('the end of one half leaves the other alone', () => {
    const [, back] = openDial()
    route('sender', FRAMES.end)
    sendChunk('receiver', BACK)
    expect(back.ended).toBe(false)
    expect(endpoints.sender.sent).toEqual([['chunk', BACK, PAYLOAD]])
    expect(endpoints.receiver.sent).toEqual([['error', STREAM, true]])
  })

  test('a reset after the end of one half tells of the other only', () => {
    const [half, back] = openDial()
    router.drop(half)
    router.reset(half, 'payload', 'no')
    expect(endpoints.sender.sent).toEqual([['error', BACK, 'no']])
    expect(endpoints.receiver.sent).toEqual([['error', BACK, 'no']])
    expect([half.failure, back.failure]).toEqual([undefined, 'no'])
  })

  test('dropping a half says nothing, and twice is once', () => {
    const half = open()
    router.drop(half)
    router.drop(half)
    expect(endpoints.sender.sent.concat(endpoints.receiver.sent)).toEqual([])
    expect(router.size).toBe(0)
    expect(counters.snapshot().reset).toEqual({})
  })

  test.each(['sender', 'receiver'] as const)('when the %s has gone every dial it was part of ends', (gone) => {
    openDial()
    const elsewhere = router.open('b.dialer', endpoints.stranger.session, endpoints[gone].session)
    const unrelated = router.open('c.dialer', endpoints.stranger.session, new RecordingSession('x').session)
    endpoints[gone].ended = true
    router.detach(endpoints[gone].session)
    const stays = gone === 'sender' ? endpoints.receiver : endpoints.sender
    expect(stays.sent).toEqual([
      ['error', STREAM, WIRE_ERRORS.peerLeft],
      ['error', BACK, WIRE_ERRORS.peerLeft]
    ])
    expect(endpoints.stranger.sent).toEqual([['error', 'b.dialer', WIRE_ERRORS.peerLeft]])
    expect([elsewhere.ended, unrelated.ended]).toEqual([true, false])
    expect(counters.snapshot().reset).toEqual({ 'peer left': 2 })
    expect(router.size).toBe(1)
    expect(router.halvesOf(endpoints[gone].session).size).toBe(0)
    expect(router.halvesOf(stays.session).size).toBe(0)
  })

  test('a session without streams leaves no trace', () => {
    router.detach(endpoints.stranger.session)
    expect(counters.snapshot().reset).toEqual({})
  })

  test('a half that nobody accepts ends alone, when its time has come', () => {
    const half = open()
    const back = router.open(BACK, endpoints.receiver.session, endpoints.sender.session, half)
    route('sender', { kind: 'accept', stream: BACK, window: undefined })
    endpoints.receiver.sent.length = 0
    now += 59_999
    router.sweep()
    expect(half.ended).toBe(false)
    now += 1
    router.sweep()
    router.sweep()
    expect([half.ended, back.ended]).toEqual([true, false])
    expect(half.failure).toBe(WIRE_ERRORS.streamNotAccepted)
    expect(endpoints.sender.sent).toEqual([['error', STREAM, WIRE_ERRORS.streamNotAccepted]])
    expect(endpoints.receiver.sent).toEqual([['error', STREAM, WIRE_ERRORS.streamNotAccepted]])
    expect(counters.snapshot().reset).toEqual({ 'not accepted': 1 })
    sendChunk('receiver', BACK)
    expect(counters.relayed.chunks).toBe(1)
  })

  test('each half has its own time', () => {
    const halves = [open('a.dialer'), open('b.dialer'), open('c.dialer')]
    route('receiver', { kind: 'accept', stream: 'b.dialer', window: undefined })
    now += 30_000
    halves.push(open('d.dialer'))
    now += 30_000
    router.sweep()
    expect(halves.map(({ ended }) => ended)).toEqual([true, false, true, false])
    expect(router.size).toBe(2)
  })

  test('knows names and room by session', () => {
    open('a.dialer')
    open('b.dialer')
    router.open('a.dialer', endpoints.stranger.session, new RecordingSession('x').session)
    const { sender, receiver, stranger } = endpoints
    const halves = [sender, receiver, stranger].map(({ session }) => router.halvesOf(session))
    expect(halves.map(({ size }) => size)).toEqual([2, 2, 1])
    expect(halves.map((named) => named.has('b.dialer'))).toEqual([true, true, false])
    const hasRoom = () => [sender, receiver, stranger].map(({ session }) => router.hasRoom(session))
    expect(hasRoom()).toEqual([true, true, true])
    router.open('c.dialer', sender.session, stranger.session)
    expect(hasRoom()).toEqual([false, true, true])
    route('sender', FRAMES.end)
    expect(router.find(receiver.session, 'a.dialer')).toBeUndefined()
    expect(router.find(stranger.session, 'a.dialer')).toBeDefined()
    expect(router.size).toBe(3)
  })
})
