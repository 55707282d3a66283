/** A circuit relay without limits on time and data: the process whose CPU is measured. */
import { commonOptions } from '../libraries/libp2p.js'
import { importLibp2p } from '../libraries/libp2p-modules.js'

const libp2p = await importLibp2p(process.argv[2] ?? '')
const common = commonOptions(libp2p)
const relay = await libp2p.createLibp2p({
  ...common,
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
  services: {
    ...common.services,
    relay: libp2p.circuitRelayServer({ reservations: { applyDefaultLimit: false, maxReservations: 1000 } })
  }
})
console.log(`Listening on: ${relay.getMultiaddrs()[0]?.toString()}`)
