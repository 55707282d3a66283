// The smallest application that needs all of the client: it joins a star and asks a peer for an echo.
import { createStarClient } from '@websocket-star/client'

async function ask(server, peerId, text) {
  const client = await createStarClient({ servers: [server] })
  await client.join()
  const { readable, writable } = await client.dial(peerId)
  const writer = writable.getWriter()
  await writer.write(new TextEncoder().encode(text))
  await writer.close()
  let answer = ''
  for await (const part of readable.pipeThrough(new TextDecoderStream())) answer += part
  await client.close()
  return answer
}

Object.assign(globalThis, { ask })
