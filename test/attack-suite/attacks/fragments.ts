import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { BINARY, maskedFrame, PONG, TEXT, textFrame } from '@websocket-star/testkit'
import { eachAttacker, type Attack, type Scene } from './attack.js'
import { burstOf, flood } from './flood.js'
import { besiege, ignoreAnswers } from './peers.js'
import { openPolling, openSocket, over, postHead } from './sockets.js'

/** What the server has received and cannot work through yet. */

const MESSAGE = 1_000_000
const CONTINUATION = 0
/** Bytes that a segment of one byte counts for: it costs the machine as much. */
const SEGMENT = 512
const EIO4 = { eio: '4' } as const

/** A frame that is not the last of its message. */
function unfinished(opcode: number, payload: Uint8Array): Buffer {
  const frame = maskedFrame(opcode, payload)
  frame[0] = opcode
  return frame
}

const first = unfinished(TEXT, Buffer.from('4'))
const fragment = unfinished(CONTINUATION, Buffer.from('a'))
/** Pongs fill what is read together with a fragment. */
const padding = burstOf([maskedFrame(PONG, Buffer.alloc(125))], 0, 32_000).bytes
const large = maskedFrame(TEXT, Buffer.concat([Buffer.from('42["x","'), Buffer.alloc(MESSAGE, 'a')]))

/** Writes one byte at a time, in a segment of its own. */
async function trickle(scene: Scene, tcp: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && tcp.writable && !scene.signal.aborted; at++) {
    tcp.write(bytes.subarray(at, at + 1))
    scene.tally.messages++
    await scene.link.room(SEGMENT)
  }
}

/** Sends once, then waits to be closed. */
function holding(name: string, about: string, scale: number, frames: readonly Buffer[]): Attack {
  return {
    name,
    about,
    scale,
    run: async (scene) =>
      await besiege(scene, EIO4, async (peer) => {
        ignoreAnswers(peer)
        for (const frame of frames) {
          await scene.link.room(frame.length)
          peer.tcp.write(frame)
        }
        scene.tally.messages++
      })
  }
}

async function unfinishedPosts(scene: Scene): Promise<void> {
  await eachAttacker(scene, async (index) => {
    while (!scene.signal.aborted) {
      const sid = await openPolling(scene, index, 4)
      if (sid !== undefined) {
        const tcp = openSocket(scene, index)
        const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
        tcp.resume()
        await scene.link.room(MESSAGE)
        tcp.write(postHead(scene, sid, 4, MESSAGE))
        tcp.write(Buffer.alloc(MESSAGE - 1, 'a'))
        scene.tally.messages++
        await Promise.race([closed, over(scene)])
        if (tcp.closed) scene.tally.ended('closed')
      }
      await delay(250)
    }
  })
}

export const FRAGMENTS: readonly Attack[] = [
  {
    name: 'one-byte-fragments',
    about: 'fragments of one byte, each read together with 32 kB of pongs',
    run: async (scene) =>
      await besiege(scene, EIO4, async (peer) => {
        ignoreAnswers(peer)
        peer.tcp.write(first)
        await flood(scene, peer.tcp, { bytes: Buffer.concat([fragment, padding]), messages: 1 })
      })
  },
  {
    name: 'dense-fragments',
    about: 'fragments of one byte, one after the other',
    run: async (scene) =>
      await besiege(scene, EIO4, async (peer) => {
        ignoreAnswers(peer)
        peer.tcp.write(first)
        await flood(scene, peer.tcp, burstOf([fragment]))
      })
  },
  {
    name: 'trickled-frame',
    about: 'a frame of 1 MB in segments of one byte',
    run: async (scene) =>
      await besiege(scene, EIO4, async (peer) => {
        ignoreAnswers(peer)
        peer.tcp.write(large.subarray(0, 100))
        await trickle(scene, peer.tcp, large.subarray(100))
      })
  },
  holding('unfinished-frames', 'a frame of 1 MB but for its last byte', 4, [large.subarray(0, -1)]),
  holding(
    'unfinished-messages',
    'fragments of 64 kB of a message that is never finished',
    4,
    Array.from({ length: 15 }, (_, index) =>
      unfinished(index === 0 ? TEXT : CONTINUATION, Buffer.alloc(65_536, index === 0 ? '4' : 'a'))
    )
  ),
  holding('unfinished-attachments', 'a chunk of 1 MB but for its last byte', 4, [
    textFrame('451-["socket.io-pull-stream.queue.x.dialer",{"_placeholder":true,"num":0}]'),
    maskedFrame(BINARY, Buffer.alloc(MESSAGE)).subarray(0, -1)
  ]),
  holding('missing-attachments', 'an event of 1 MB whose attachment never comes', 4, [
    textFrame(`451-["x",{"_placeholder":true,"num":0},"${'a'.repeat(MESSAGE)}"]`)
  ]),
  {
    name: 'unfinished-posts',
    about: 'POSTs of 1 MB but for the last byte',
    scale: 4,
    run: unfinishedPosts
  }
]
