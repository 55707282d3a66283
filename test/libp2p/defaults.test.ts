import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping, type Ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { webSocketStar, webSocketStarDefaults } from '@websocket-star/libp2p'
import { eventually } from '@websocket-star/testkit'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { expect, onTestFinished, test } from 'vitest'
import { startNode } from '../support/libp2p-node.js'
import { startStar } from '../support/star.js'

/** More than five a second, and more than ten behind one IP address. */
const DIALERS = 20
/** Generous for a busy machine. */
const PATIENCE = { timeout: 60_000 }

type Services = { identify: unknown; ping: Ping; pubsub: unknown }

test('a node with the defaults for a star takes all who dial it at once, and gossipsub trusts them', async () => {
  await using star = await startStar()
  const defaults = webSocketStarDefaults()
  const options: Libp2pOptions<Services> = {
    ...defaults.libp2p,
    connectionManager: { ...defaults.libp2p.connectionManager, inboundUpgradeTimeout: PATIENCE.timeout },
    addresses: { listen: [star.multiaddr] },
    transports: [webSocketStar({ strict: true })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(PATIENCE),
      ping: ping(PATIENCE),
      pubsub: gossipsub({ ...defaults.gossipsub, allowPublishToZeroTopicPeers: true })
    }
  }
  const node = await createLibp2p(options)
  onTestFinished(() => node.stop())
  const address = multiaddr(`${star.multiaddr}/p2p/${node.peerId.toString()}`)
  const dialerServices = { identify: identify(PATIENCE), ping: ping(PATIENCE), pubsub: gossipsub() }
  const dialers = await Promise.all(
    Array.from({ length: DIALERS }, () => startNode([star.multiaddr], { more: { services: dialerServices } }))
  )
  onTestFinished(async () => {
    await Promise.all(dialers.map((dialer) => dialer.stop()))
  })
  await Promise.all(dialers.map((dialer) => dialer.services.ping.ping(address)))
  expect(node.getConnections()).toHaveLength(DIALERS)
  // The scores are private.
  const pubsub = node.services.pubsub as { getPeers: () => unknown[]; getScore: (id: string) => number }
  await eventually('all to speak gossipsub', () => pubsub.getPeers().length === DIALERS)
  expect(dialers.map(({ peerId }) => pubsub.getScore(peerId.toString()))).toEqual(dialers.map(() => 0))
})
