import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { webSocketStar, webSocketStarDefaults } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'

const TOPIC = 'websocket-star-chat'
const { hostname, search } = location
const host = /^[\d.]+$/.test(hostname) ? `/ip4/${hostname}` : `/dns4/${hostname}`
const server = new URLSearchParams(search).get('server') ?? `${host}/tcp/9090/ws/p2p-websocket-star`
const $ = (id) => document.getElementById(id)
const nameOf = (peerId) => peerId.toString().slice(-6)

// All peers connect from the star's address. Without these, libp2p would refuse more than five connections a second, and gossipsub
// would soon ignore all peers if they are more than ten.
const defaults = webSocketStarDefaults()

const node = await createLibp2p({
  ...defaults.libp2p,
  start: false,
  addresses: { listen: [server] },
  transports: [webSocketStar()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    pubsub: gossipsub({
      emitSelf: true,
      allowPublishToZeroTopicPeers: true,
      ...defaults.gossipsub
    })
  },
  // In browsers, libp2p dials no private addresses by default, such as that of a server on this machine.
  connectionGater: { denyDialMultiaddr: () => false }
})
const { pubsub } = node.services

// Gossipsub talks to connected peers only. Unlike `peer:discovery`, this event also reports peers that return.
node.addEventListener('peer:update', ({ detail: { peer } }) => {
  if (peer.addresses.length > 0) node.dial(peer.id).catch((error) => console.warn(`${peer.id}: ${error.message}`))
})

function showOthers() {
  // Gossipsub forgets disconnected peers a moment later.
  const count = pubsub.getSubscribers(TOPIC).filter((id) => node.getConnections(id).length > 0).length
  $('others').textContent = `Others here: ${count === 0 ? 'nobody' : count}`
}
pubsub.addEventListener('subscription-change', showOthers)
node.addEventListener('peer:disconnect', showOthers)

pubsub.addEventListener('message', ({ detail: { topic, from, data } }) => {
  if (topic !== TOPIC) return
  const line = document.createElement('li')
  line.textContent = `${nameOf(from)}: ${new TextDecoder().decode(data)}`
  $('messages').append(line)
})
$('form').addEventListener('submit', (event) => {
  event.preventDefault()
  pubsub.publish(TOPIC, new TextEncoder().encode($('text').value))
  $('form').reset()
})

await node.start()
pubsub.subscribe(TOPIC)
$('self').textContent = nameOf(node.peerId)
showOthers()
