import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import { Crowd } from './crowd.js'
import { ed25519Identities, type Identity } from './identity.js'

const PEERS = 300
/** V8 compiles what has run some hundred times. */
const TIMES = 3
/** Milliseconds a server has to see that they are gone. */
const GONE = 500

/** Peers come and go, so that the server's code is compiled and its heap has been in use. */
export async function warmUp(
  server: RunningServer,
  identities: readonly Identity[] = ed25519Identities(PEERS),
  times = TIMES
): Promise<void> {
  const crowd = new Crowd(server)
  for (let time = 0; time < times; time++) {
    await crowd.join(identities)
    crowd.clear()
    await delay(GONE)
  }
  crowd.close()
}
