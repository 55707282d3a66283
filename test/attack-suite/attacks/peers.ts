import { setTimeout as delay } from 'node:timers/promises'
import { CLOSE, RawPeer, type RawOptions } from '@websocket-star/testkit'
import { eachAttacker, type Scene } from './attack.js'

/** Milliseconds. */
const PATIENCE = 20_000
/** Milliseconds after which an attacker that was closed comes back. */
const RETURN = 250

export interface SiegeOptions extends RawOptions {
  /** Milliseconds after which an attacker that was closed comes back. Default 250. */
  pause?: number
}

/** Connects each attacker, has it attack, and lets it come back when it was closed. */
export async function besiege(
  scene: Scene,
  { pause = RETURN, ...options }: SiegeOptions,
  attack: (peer: RawPeer, index: number) => Promise<void> | void
): Promise<void> {
  await eachAttacker(scene, async (index) => {
    while (!scene.signal.aborted) {
      const peer = await connect(scene, index, options)
      if (peer !== undefined) {
        try {
          await attack(peer, index)
        } catch (error) {
          scene.tally.ended(`refused: ${reasonOf(error)}`)
        }
        await endOf(scene, peer)
      }
      await delay(pause)
    }
  })
}

/** Connects an attacker; undefined if the server does not let it in. */
export async function connect(scene: Scene, index: number, options: RawOptions): Promise<RawPeer | undefined> {
  const localAddress = scene.addressOf(index)
  const peer = new RawPeer(scene.url, { ...options, localAddress, isRecorded: false, patience: PATIENCE })
  scene.tally.watch(peer.tcp)
  try {
    await peer.takeText(/^0\{/)
    if (options.auth === null) return peer
    if (peer.revision === 4) peer.send(`40${options.auth === undefined ? '' : JSON.stringify(options.auth)}`)
    await peer.takeText(/^40/)
    return peer
  } catch (error) {
    scene.tally.ended(`not connected: ${reasonOf(error)}`)
    peer.wire.close()
    return undefined
  }
}

/** Connects an attacker and joins with its first key. */
export async function joined(scene: Scene, index: number, options: RawOptions): Promise<RawPeer | undefined> {
  const peer = await connect(scene, index, options)
  try {
    await peer?.join(scene.keyOf(index), scene.prefix)
    return peer
  } catch (error) {
    scene.tally.ended(`not joined: ${reasonOf(error)}`)
    peer?.wire.close()
    return undefined
  }
}

/** Waits until the server has closed a connection, or the attack is over. */
export async function endOf(scene: Scene, peer: RawPeer): Promise<void> {
  const isOver = new Promise<void>((resolve) => {
    if (scene.signal.aborted) resolve()
    else scene.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const closed = await Promise.race([peer.wire.closed, isOver])
  if (closed !== undefined) scene.tally.ended(`closed ${closed.code} ${closed.reason}`.trim(), peer.tcp)
}

/** Has a peer take no notice of what it is sent, at little cost. */
export function ignoreAnswers(peer: RawPeer): void {
  peer.webSocket.filter((opcode) => opcode !== CLOSE)
}

/** Says briefly what went wrong. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /^closed with \d+|^\d+ ms passed/.exec(text)?.[0] ?? text.slice(0, 80)
}
