import { headerOf, maskedFrame, BINARY, textFrame, type RawOptions, type RawPeer } from '@websocket-star/testkit'
import { EXTENDED, openOneWay } from '../../support/raw-flow.js'
import type { Attack, Scene } from './attack.js'
import { burstOf, flood } from './flood.js'
import { endOf, ignoreAnswers, joined, reasonOf } from './peers.js'

/** Accomplices: half of the attackers dial, each one of the other half. */

const WINDOW = 2 ** 24
const STREAMS = 4
const ED25519 = { kind: 'Ed25519', each: 1 } as const

interface Accomplices {
  readonly options: RawOptions
  readonly window?: number
  /** Bytes of a chunk. */
  readonly size: number
  readonly reads: boolean
  /** Whether receivers let the dialer send. Default true. */
  readonly accepts?: boolean
}

async function relay(scene: Scene, { options, window, size, reads, accepts = true }: Accomplices): Promise<void> {
  const pairs = Math.floor(scene.connections / 2)
  await Promise.all(
    Array.from({ length: pairs }, async (_, pair) => {
      const [dialer, listener] = await Promise.all([
        joined(scene, 2 * pair, options),
        joined(scene, 2 * pair + 1, options)
      ])
      if (dialer === undefined || listener === undefined) return
      try {
        const names = await openStreams(dialer, listener, accepts, window)
        ignoreAnswers(dialer)
        if (reads) ignoreAnswers(listener)
        else listener.tcp.pause()
        const payload = Buffer.alloc(size, 1)
        const chunk = maskedFrame(BINARY, Buffer.from(dialer.binary(payload)))
        const bursts = names.map((name) => burstOf([textFrame(headerOf(name)), chunk]))
        await flood(scene, dialer.tcp, ...bursts)
      } catch (error) {
        scene.tally.ended(`refused: ${reasonOf(error)}`)
      }
      await Promise.all([endOf(scene, dialer), endOf(scene, listener)])
    })
  )
}

async function openStreams(
  dialer: RawPeer,
  listener: RawPeer,
  accepts: boolean,
  window: number | undefined
): Promise<string[]> {
  const names: string[] = []
  for (let stream = 0; stream < STREAMS; stream++) {
    if (accepts) {
      names.push((await openOneWay(dialer, listener, window)).near.sends)
    } else {
      const [near] = await Promise.all([dialer.dial(listener.address), listener.answer(null)])
      names.push(near.sends)
    }
  }
  return names
}

function relaying(name: string, about: string, accomplices: Accomplices, more: Partial<Attack> = {}): Attack {
  return { name, about, keys: ED25519, run: (scene) => relay(scene, accomplices), ...more }
}

const EXTENDED_ONES = { options: EXTENDED, window: WINDOW }
const LEGACY_ONES = { options: {} }

/** Grants credit on connections of their own again and again. */
async function creditFlood(scene: Scene): Promise<void> {
  await Promise.all(
    Array.from({ length: Math.floor(scene.connections / 2) }, async (_, pair) => {
      const [dialer, listener] = await Promise.all([
        joined(scene, 2 * pair, EXTENDED),
        joined(scene, 2 * pair + 1, EXTENDED)
      ])
      if (dialer === undefined || listener === undefined) return
      const { far } = await openOneWay(dialer, listener, WINDOW)
      for (const peer of [dialer, listener]) ignoreAnswers(peer)
      const credit = textFrame(`42["socket.io-pull-stream.credit.${far.receives}",1]`)
      await flood(scene, listener.tcp, burstOf([credit]))
      await Promise.all([endOf(scene, dialer), endOf(scene, listener)])
    })
  )
}

export const BACKLOGS: readonly Attack[] = [
  relaying('one-byte-backlogs', 'chunks of one byte to accomplices that do not read, then all leave at once', {
    ...EXTENDED_ONES,
    size: 1,
    reads: false
  }),
  relaying(
    'stalled-backlogs',
    'chunks of one byte to accomplices that do not read, until the server drops them',
    { ...EXTENDED_ONES, size: 1, reads: false },
    { seconds: 45, scale: 2 }
  ),
  relaying('legacy-backlogs', 'the same by legacy peers', { ...LEGACY_ONES, size: 1, reads: false }),
  relaying('large-backlogs', 'chunks of 64 kB to accomplices that do not read', {
    ...EXTENDED_ONES,
    size: 65_536,
    reads: false
  }),
  relaying('one-byte-chunks', 'chunks of one byte to accomplices that read', {
    ...EXTENDED_ONES,
    size: 1,
    reads: true
  }),
  relaying('legacy-one-byte-chunks', 'the same by legacy peers', { ...LEGACY_ONES, size: 1, reads: true }),
  relaying('bulk-chunks', 'chunks of 64 kB to legacy accomplices that read, at full speed', {
    ...LEGACY_ONES,
    size: 65_536,
    reads: true
  }),
  { name: 'credits', about: 'credit of one byte to accomplices', keys: ED25519, run: creditFlood },
  relaying('unaccepted-chunks', 'chunks to accomplices that never let them send', {
    ...LEGACY_ONES,
    size: 1_024,
    reads: true,
    accepts: false
  })
]
