/** A node of js-libp2p, in a process of its own, that notes whom it discovers; when it has left, the next one comes. */
import type { Node } from '../libp2p/modules.js'
import { serve, setupOf } from './channel.js'
import { nodesOf, type NodePlace, type Way } from './libp2p-node.js'

export interface DiscoverySetup extends NodePlace {
  way: Way
}

export type DiscoveryCommand =
  /** Makes the node. Told: when that began, and who it is. */
  | { do: 'appear' }
  /** Answered once the node has discovered that peer. Told: when it did. */
  | { do: 'discover'; peerId: string }
  | { do: 'leave' }

export interface DiscoveryReport {
  /** Milliseconds, by a clock that all processes of a machine share. */
  at: number
  peerId: string
}

const { way, ...place } = setupOf<DiscoverySetup>()
const { create } = await nodesOf(way, place)
const discovered = new Map<string, number>()
const waiting = new Set<() => void>()
let node: Node | undefined

serve<DiscoveryCommand, DiscoveryReport>({}, async (command) => {
  switch (command.do) {
    case 'appear': {
      const at = now()
      node = await create()
      node.addEventListener('peer:discovery', ({ detail }) => {
        discovered.set(detail.id.toString(), now())
        for (const look of waiting) look()
      })
      return { at, peerId: node.peerId.toString() }
    }
    case 'discover':
      return { at: await discovery(command.peerId), peerId: command.peerId }
    case 'leave': {
      const peerId = node?.peerId.toString() ?? ''
      await node?.stop()
      return { at: now(), peerId }
    }
  }
})

function discovery(peerId: string): Promise<number> {
  return new Promise((resolve) => {
    const look = () => {
      const at = discovered.get(peerId)
      if (at === undefined) return
      waiting.delete(look)
      resolve(at)
    }
    waiting.add(look)
    look()
  })
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
