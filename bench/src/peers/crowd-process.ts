/** Many clients of one server in one process. They join, and come back by themselves when the server was away. */
import { createStarClient, type StarClient } from '@websocket-star/client'
import { serve, setupOf } from './channel.js'

export interface CrowdSetup {
  server: string
  clients: number
}

/** Answered once all clients are joined, or none is any more. */
export type CrowdCommand = { await: 'all' | 'none' }

export interface CrowdReport {
  joined: number
}

const { server, clients } = setupOf<CrowdSetup>()
const joined = new Set<StarClient>()
const waiting = new Set<() => void>()

async function open(): Promise<void> {
  const client = await createStarClient({ servers: [server] })
  client.addEventListener('server:status', () => {
    if (client.servers.some(({ state }) => state === 'joined')) joined.add(client)
    else joined.delete(client)
    for (const look of waiting) look()
  })
  await client.join()
}

function reached(count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (joined.size !== count) return
      waiting.delete(look)
      resolve()
    }
    waiting.add(look)
    look()
  })
}

await Promise.all(Array.from({ length: clients }, open))

serve<CrowdCommand, CrowdReport>({ joined: joined.size } satisfies CrowdReport, async (command) => {
  await reached(command.await === 'all' ? clients : 0)
  return { joined: joined.size }
})
