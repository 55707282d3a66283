import type { Stream } from '@libp2p/interface'
import { Digest, RandomBytes, type Received } from '../random-bytes.js'

/** The protocol in which each side sends the bytes of a seed, and ends. */
export const EXCHANGE = '/test/exchange/1.0.0'
/** Sizes of writes, in turns: below, at and above those of a frame, and one that has to be cut. */
const SIZES = [1, 65_536, 4_097, 65_537, 31, 200_000]

/**
 * Sends the bytes of a seed, and ends.
 *
 * @param onSent - is told of the size of each piece, and whether the stream wants to be waited for
 */
export async function send(
  stream: Stream,
  seed: number,
  bytes: number,
  onSent?: (size: number, full: boolean) => void
): Promise<void> {
  const random = new RandomBytes(seed)
  for (let left = bytes, turn = 0; left > 0; turn++) {
    const piece = random.take(Math.min(left, SIZES[turn % SIZES.length] ?? left))
    left -= piece.length
    const full = !stream.send(piece)
    onSent?.(piece.length, full)
    if (full) await drained(stream)
  }
  await stream.close()
}

/** Reads to the end. @param onMessage - is told of the size of each message */
export function receive(stream: Stream, onMessage?: (size: number) => void): Promise<Received> {
  const digest = new Digest()
  return new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      for (const piece of data instanceof Uint8Array ? [data] : data) digest.add(piece)
      onMessage?.(data.byteLength)
    })
    stream.addEventListener('end', () => resolve({ bytes: digest.bytes, digest: digest.toString() }))
    stream.addEventListener('close', ({ error }) => error !== undefined && reject(error))
  })
}

/** Sends the bytes of a seed and receives what comes, at once. */
export async function exchange(stream: Stream, seed: number, bytes: number): Promise<Received> {
  const [received] = await Promise.all([receive(stream), send(stream, seed, bytes)])
  return received
}

/**
 * Not `onDrain`, which waits once only, in libp2p 3.3. And again and again, since whenever the connection drains all of
 * its streams are told so, also those that have no window left. On a closed stream the next `send` throws.
 */
async function drained(stream: Stream): Promise<void> {
  while (stream.writableNeedsDrain && stream.writeStatus === 'writable') {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        stream.removeEventListener('drain', wake)
        stream.removeEventListener('close', wake)
        resolve()
      }
      stream.addEventListener('drain', wake)
      stream.addEventListener('close', wake)
    })
  }
}
