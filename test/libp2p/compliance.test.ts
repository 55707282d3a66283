import discoveryTests from '@libp2p/interface-compliance-tests/peer-discovery'
import transportTests from '@libp2p/interface-compliance-tests/transport'
import type { Multiaddr } from '@multiformats/multiaddr'
import { webSocketStar, webSocketStarDiscovery } from '@websocket-star/libp2p'
import { describe } from 'vitest'
import { runMochaSuite } from '../compliance/mocha.js'
import { startStar, type Star } from '../support/star.js'
import { startNode } from '../support/libp2p-node.js'

const matcher = {
  matches: (address: Multiaddr) => address.toString().includes('/p2p-websocket-star'),
  exactMatch: (address: Multiaddr) => /\/p2p-websocket-star(\/p2p\/\w+)?$/.test(address.toString())
}

/** Under two names, so that a node can listen twice. */
function namesOf({ port }: Star): string[] {
  return [`/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`, `/dns4/localhost/tcp/${port}/ws/p2p-websocket-star`]
}

describe.each([1, 2])('the transport over %i server(s)', (count) => {
  let stars: Star[] = []
  runMochaSuite(() =>
    transportTests({
      async setup() {
        stars = await Promise.all(Array.from({ length: count }, () => startStar()))
        const [first] = stars
        if (first === undefined) throw new Error('no star')
        const listen = count === 1 ? namesOf(first) : stars.map((star) => star.multiaddr)
        return {
          dialMultiaddrMatcher: matcher as never,
          listenMultiaddrMatcher: matcher as never,
          dialer: { transports: [webSocketStar()] },
          listener: { transports: [webSocketStar()], addresses: { listen } }
        }
      },
      async teardown() {
        await Promise.all(stars.map((star) => star.stop()))
      }
    })
  )
})

describe('the discovery', () => {
  const resources: AsyncDisposable[] = []
  runMochaSuite(() =>
    discoveryTests({
      async setup() {
        const star = await startStar()
        const [node, other] = [await startNode([star.multiaddr]), await startNode([star.multiaddr])]
        resources.push(other, node, star)
        const { peerId, peerStore, logger } = node
        return webSocketStarDiscovery()({ connectionManager: node, events: node, peerId, peerStore, logger })
      },
      async teardown() {
        for (const resource of resources.splice(0)) await resource[Symbol.asyncDispose]()
      }
    })
  )
})
