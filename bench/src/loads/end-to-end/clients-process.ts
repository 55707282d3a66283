/** Many clients of one server in one process. They join, and come back by themselves when the server was away. */
import { createStarClient, type StarClient } from '@websocket-star/client'
import { Condition, serve, setupOf } from '../../processes/serve.js'

export interface ClientsSetup {
  server: string
  clients: number
}

const { server, clients } = setupOf<ClientsSetup>()
const joined = new Set<StarClient>()
const counted = new Condition()

async function open(): Promise<void> {
  const client = await createStarClient({ servers: [server] })
  client.addEventListener('server:status', () => {
    if (client.servers.some(({ state }) => state === 'joined')) joined.add(client)
    else joined.delete(client)
    counted.changed()
  })
  await client.join()
}

await Promise.all(Array.from({ length: clients }, open))

const commands = {
  /** Returns once all clients are joined. */
  allJoined: () => counted.until(() => joined.size === clients || undefined),
  /** Returns once none is joined any more. */
  noneJoined: () => counted.until(() => joined.size === 0 || undefined)
}

export type ClientsProcess = typeof commands

serve(commands)
