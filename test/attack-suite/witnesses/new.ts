import { Agent } from 'node:http'
import { createStarClient, type StarClient } from '@websocket-star/client'
import { Delays } from './delays.js'
import { MESSAGE_SIZE, messageOf, type Pair, type Place } from './pair.js'

/** Joins with today's client. */
export async function joinNew(name: string, { url, from, lost }: Place): Promise<StarClient> {
  // Socket.io hands an agent on to what connects, though its types know of a name or a flag only.
  const agent = new Agent({ localAddress: from }) as unknown as string
  const client = await createStarClient({ servers: [url], socket: { agent } })
  await client.join()
  client.addEventListener('server:status', ({ detail: { state, error } }) => {
    if (state !== 'joined') lost(`${name}: ${state} ${error?.message ?? ''}`.trim())
  })
  return client
}

export async function openNewPair(near: Place, far: Place): Promise<Pair> {
  const dialer = await joinNew('new dialer', near)
  const listener = await joinNew('new listener', far)
  const delays = new Delays()
  listener.handle(async ({ readable }) => {
    let rest = Buffer.alloc(0)
    for await (const bytes of readable) {
      rest = Buffer.concat([rest, bytes])
      for (; rest.length >= MESSAGE_SIZE; rest = rest.subarray(MESSAGE_SIZE)) delays.arrived(rest.readUInt32BE())
    }
  })
  const connection = await dialer.dial(`${near.prefix}/p2p/${listener.peerId}`)
  let isClosed = false
  connection.closed.catch((error: Error) => near.lost(`new pair: ${error.message}`)).finally(() => (isClosed = true))
  const writer = connection.writable.getWriter()
  return {
    delays,
    beat: () => {
      if (isClosed) return
      writer.write(messageOf(delays.send())).catch(() => {})
    }
  }
}
