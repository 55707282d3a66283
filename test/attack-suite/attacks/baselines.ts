import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { maskedFrame, PING } from '@websocket-star/testkit'
import { eachAttacker, type Attack, type Scene } from './attack.js'
import { burstOf, flood } from './flood.js'

/** Floods something else on the same machine, which does not read: all that a server can do is not to read either. */
async function elsewhere(scene: Scene): Promise<void> {
  const sink = createServer({ pauseOnConnect: true }).listen(0, scene.addressOf(0))
  await once(sink, 'listening')
  const { port } = sink.address() as AddressInfo // it listens on TCP
  const burst = burstOf([maskedFrame(PING)])
  await eachAttacker(scene, async (index) => {
    const host = scene.addressOf(0)
    const tcp = connect({ host, port, localAddress: scene.addressOf(index) }).on('error', () => {})
    scene.tally.watch(tcp)
    await once(tcp, 'connect')
    await flood(scene, tcp, burst)
  })
}

/** No attacks on the server: they show what the machine itself costs. */
export const BASELINES: readonly Attack[] = [
  { name: 'baseline', about: 'nothing', run: async () => {} },
  { name: 'busy-baseline', about: 'WebSocket pings to another process that does not read', run: elsewhere }
]
