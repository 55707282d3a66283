import type { Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export const ECHO = '/echo/1.0.0'

/** Sends back what comes. */
export async function serveEcho(node: Libp2p, options: { maxInboundStreams?: number } = {}): Promise<void> {
  await node.handle(
    ECHO,
    async (stream) => {
      for await (const bytes of stream) if (!stream.send(bytes)) await stream.onDrain()
      await stream.close()
    },
    options
  )
}

/** What a node that serves the echo makes of a text. */
export async function echoOf(node: Libp2p, target: PeerId | Multiaddr, text: string): Promise<string> {
  const stream = await node.dialProtocol(target, ECHO)
  stream.send(new TextEncoder().encode(text))
  await stream.close()
  const parts: Uint8Array[] = []
  for await (const bytes of stream) parts.push(bytes.subarray())
  return Buffer.concat(parts).toString()
}

/** Sends bytes of a pattern and checks that the same come back. @returns how many did */
export async function roundTrip(stream: Stream, size: number): Promise<number> {
  const piece = Uint8Array.from({ length: 65_536 }, (_, index) => index * 7)
  const sending = (async () => {
    for (let sent = 0; sent < size; sent += piece.length) {
      if (!stream.send(piece.subarray(0, Math.min(piece.length, size - sent)))) await stream.onDrain()
    }
    await stream.close()
  })()
  // It is waited for below, unless receiving fails first.
  sending.catch(() => {})
  let received = 0
  for await (const chunk of stream) {
    for (const byte of chunk.subarray()) {
      if (byte !== piece[received % piece.length]) throw new Error(`byte ${received} is wrong`)
      received++
    }
  }
  await sending
  return received
}
