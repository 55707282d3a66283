import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { textFrame, type RawPeer } from '@websocket-star/testkit'
import type { Attack, Scene } from './attack.js'
import { burstOf, flood } from './flood.js'
import { besiege, ignoreAnswers, reasonOf } from './peers.js'

/** Dials to a victim, and among accomplices. */

const ED25519 = { kind: 'Ed25519', each: 1 } as const
/** Milliseconds between two dials of one attacker: sixty of them dial as often as one address may. */
const DIAL_PAUSE = 150
const STREAM = 'socket.io-pull-stream'

/** Joins each attacker, and has it attack. */
async function eachPeer(scene: Scene, attack: (peer: RawPeer, index: number) => Promise<void>): Promise<void> {
  await besiege(scene, {}, async (peer, index) => {
    await peer.join(scene.keyOf(index), scene.prefix)
    await attack(peer, index)
  })
}

/** Dials the victim again and again, and keeps each connection open without a byte on it. */
async function idleDials(scene: Scene): Promise<void> {
  await eachPeer(scene, async (peer) => {
    while (!scene.signal.aborted && !peer.isClosed) {
      try {
        const connection = await peer.dial(scene.victim)
        connection.accept()
        scene.tally.messages++
      } catch (error) {
        scene.tally.ended(`dial refused: ${reasonOf(error)}`)
      }
      peer.forget()
      await delay(DIAL_PAUSE)
    }
  })
}

/** Dials an accomplice that says nothing. */
async function unansweredDials(scene: Scene): Promise<void> {
  await eachPeer(scene, async (peer, index) => {
    ignoreAnswers(peer)
    const to = `${scene.prefix}/ipfs/${scene.keyOf((index + 1) % scene.connections).id}`
    const frames = Array.from({ length: 400 }, (_, number) =>
      textFrame(`42${number}["ss-dial","${peer.address}","${to}","${randomUUID()}"]`)
    )
    await flood(scene, peer.tcp, { bytes: Buffer.concat(frames), messages: frames.length })
  })
}

/** Opens a connection with an accomplice, closes it, and so on. */
async function dialChurn(scene: Scene, answer: string): Promise<void> {
  await eachPeer(scene, async (peer, index) => {
    const to = `${scene.prefix}/ipfs/${scene.keyOf((index + 1) % scene.connections).id}`
    peer.webSocket.filter((_opcode, bytes, start, end) => {
      if (end - start < 16 || bytes[start + 1] !== 0x32) return false
      const incoming = /^42(\d+)\["ss-incomming","([^"]+)"/.exec(
        bytes.toString('latin1', start, Math.min(end, start + 200))
      )
      if (incoming === null) return false
      const [, ack = '', id = ''] = incoming
      peer.send(`42["${STREAM}.accept.${id}.dialer"]`, `43${ack}${answer}`, `42["${STREAM}.error.${id}.listener",true]`)
      return true
    })
    while (!scene.signal.aborted && !peer.isClosed) {
      const id = randomUUID()
      scene.tally.messages++
      try {
        await peer.dial(to, id)
        peer.send(`42["${STREAM}.error.${id}.dialer",true]`)
      } catch (error) {
        scene.tally.ended(`dial refused: ${reasonOf(error)}`)
        await delay(20)
      }
      peer.forget()
    }
  })
}

function dialFlood(name: string, about: string, textOf: (from: string, victim: string) => readonly string[]): Attack {
  return {
    name,
    about,
    keys: ED25519,
    victim: 'legacy',
    run: async (scene) =>
      await eachPeer(scene, async (peer) => {
        ignoreAnswers(peer)
        const frames = textOf(peer.address, scene.victim).map((text) => textFrame(text))
        await flood(scene, peer.tcp, burstOf(frames, frames.length))
      })
  }
}

const DEEP = `[${'['.repeat(20_000)}${']'.repeat(20_000)}]`

export const DIALS: readonly Attack[] = [
  { name: 'idle-dials', about: 'idle connections to one legacy peer', keys: ED25519, victim: 'legacy', run: idleDials },
  { name: 'idle-dials-new', about: 'idle connections to one new peer', keys: ED25519, victim: 'new', run: idleDials },
  { name: 'unanswered-dials', about: 'dials to accomplices that never answer', keys: ED25519, run: unansweredDials },
  {
    name: 'dial-churn',
    about: 'connections that are opened and closed at once',
    keys: ED25519,
    run: (scene) => dialChurn(scene, '[]')
  },
  {
    name: 'deep-acks',
    about: 'dials that an accomplice answers with 20,000 nested arrays',
    keys: ED25519,
    run: (scene) => dialChurn(scene, DEEP)
  },
  dialFlood('dials', 'dials of the victim with the same id', (from, victim) => [
    `420["ss-dial","${from}","${victim}","again"]`
  ]),
  dialFlood('odd-dials', 'dials with ids and arguments of all kinds', (from, victim) => [
    `420["ss-dial","${from}","${victim}","__proto__"]`,
    `420["ss-dial","${from}","${victim}",""]`,
    `420["ss-dial","${from}","${victim}","😀"]`,
    `420["ss-dial","${from}","${victim}",{"length":5e8}]`,
    `420["ss-dial",{},[],null]`,
    `420["ss-dial"]`,
    `42["ss-dial","${from}","${victim}","${'x'.repeat(10_000)}"]`,
    `42["ss-join",1,2,3]`,
    `42["ss-leave",{}]`
  ])
]
