import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { FaultProxy, type FaultProxyOptions } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'

/** A server of the test. */
interface Target {
  readonly port: number
  /** The next connection that comes from now on. */
  accept(): Promise<Socket>
}

/** A proxy, and the server behind it. */
class Line {
  readonly proxy: FaultProxy
  readonly #target: Target

  private constructor(proxy: FaultProxy, target: Target) {
    this.proxy = proxy
    this.#target = target
  }

  static async open(options?: FaultProxyOptions): Promise<Line> {
    const target = await listen()
    const proxy = await FaultProxy.open(target, options)
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    return new Line(proxy, target)
  }

  /** A client's socket, and the server's, which has heard the greeting. */
  async connect(greeting = 'hello', allowHalfOpen = false): Promise<[near: Socket, far: Socket]> {
    const accepted = this.#target.accept()
    const near = dial(this.proxy.port, allowHalfOpen)
    near.write(greeting)
    const far = await accepted
    await arrived(far, Buffer.from(greeting))
    return [near, far]
  }
}

async function listen(): Promise<Target> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  const accept = async (): Promise<Socket> => {
    const [socket] = (await once(server, 'connection')) as [Socket]
    onTestFinished(() => void socket.destroy())
    return socket.on('error', () => {})
  }
  return { port, accept }
}

function dial(port: number, allowHalfOpen = false): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen }).on('error', () => {})
  onTestFinished(() => void socket.destroy())
  return socket
}

/** Waits until exactly these bytes have come. */
async function arrived(socket: Socket, expected: Buffer): Promise<void> {
  const chunks: Buffer[] = []
  let left = expected.length
  await new Promise<void>((resolve) => {
    socket.on('data', function take(chunk: Buffer) {
      chunks.push(chunk)
      left -= chunk.length
      if (left > 0) return
      socket.off('data', take)
      resolve()
    })
  })
  expect(Buffer.concat(chunks).equals(expected)).toBe(true)
}

async function closed(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

/** Reads to the end. The socket can still be written to. */
async function text(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  await once(socket, 'end')
  return text
}

/** Lets another connection carry a little, back and forth: what can arrive meanwhile has arrived then. */
async function settle(): Promise<void> {
  const target = await listen()
  const accepted = target.accept()
  const near = dial(target.port)
  const far = await accepted
  for (let round = 0; round < 20; round++) {
    near.write('x')
    await once(far, 'data')
  }
}

test.for([
  { options: {} },
  { options: { latency: 30 } },
  { options: { rate: 20_000_000 } },
  { options: { inFlight: 100_000, latency: 1 } }
])('bytes arrive in order, both ways, with $options', async ({ options }) => {
  const line = await Line.open(options)
  const [near, far] = await line.connect()
  const [question, answer] = [randomBytes(5_000_000), randomBytes(3_000_000)]
  for (let at = 0; at < question.length; at += 70_001) near.write(question.subarray(at, at + 70_001))
  far.write(answer)
  await Promise.all([arrived(far, question), arrived(near, answer)])
})

test('an end is handed on after the bytes before it, and the other direction goes on', async () => {
  const line = await Line.open({ latency: 20 })
  const [near, far] = await line.connect('hello', true)
  near.end('last words')
  expect(await text(far)).toBe('last words')
  far.end('answer')
  expect(await text(near)).toBe('answer')
})

test('a reset of one end is one of the other', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect()
  far.resetAndDestroy()
  await closed(near)
})

test('a reader that does not read holds the writer back', async () => {
  const line = await Line.open({ inFlight: 100_000 })
  const [near, far] = await line.connect()
  far.pause()
  const bytes = randomBytes(64 << 20)
  near.write(bytes)
  await settle()
  expect(near.writableLength).toBe(bytes.length)
  far.resume()
  await arrived(far, bytes)
})

test('bytes take the latency that is set', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect()
  line.proxy.setLatency(300)
  const began = performance.now()
  near.write('slow')
  await arrived(far, Buffer.from('slow'))
  expect(performance.now() - began).toBeGreaterThanOrEqual(299)
})

test('no more bytes pass than the rate allows, each way by itself', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect()
  line.proxy.there.rate = 1_000_000
  const bytes = randomBytes(500_000)
  const began = performance.now()
  far.write(bytes)
  await arrived(near, bytes)
  near.write(bytes)
  await arrived(far, bytes)
  expect(performance.now() - began).toBeGreaterThanOrEqual(499)
})

test('silent: nothing arrives and nobody is told; mended, what was sent arrives in order', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect('hello', true)
  line.proxy.cut('silent')
  near.write('one ')
  far.write('other')
  const stranded = dial(line.proxy.port)
  await once(stranded, 'connect')
  await settle()
  expect([near.bytesRead, far.bytesRead]).toEqual([0, 'hello'.length])
  near.end('two')
  line.proxy.mend()
  expect(await text(far)).toBe('one two')
  far.end()
  expect(await text(near)).toBe('other')
  await closed(stranded)
})

test('silent: a reset is told when bytes pass again', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect()
  line.proxy.cut('silent')
  far.resetAndDestroy()
  await settle()
  expect(near.resume().destroyed).toBe(false)
  line.proxy.mend()
  await closed(near)
})

test('refusing: open connections end, new ones too, until it is mended', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect()
  const ends = Promise.all([closed(near), once(far.resume(), 'end')])
  line.proxy.cut('refusing')
  await ends
  await closed(dial(line.proxy.port))
  line.proxy.mend()
  await line.connect()
})

test('abandoned connections stay open and carry nothing, later ones work', async () => {
  const line = await Line.open()
  const [near, far] = await line.connect()
  line.proxy.abandon()
  near.write('lost')
  far.resetAndDestroy()
  const [later, accepted] = await line.connect()
  accepted.write('found')
  await arrived(later, Buffer.from('found'))
  expect([near.destroyed, near.bytesRead]).toEqual([false, 0])
})

test('answers are held back from clients that began with something, and no others', async () => {
  const line = await Line.open()
  const [held, heldFar] = await line.connect('first')
  const [other, otherFar] = await line.connect('second')
  line.proxy.holdAnswers(/^fir/)
  expect(() => line.proxy.releaseAnswers()).toThrow('nothing was held back')
  heldFar.write('a')
  heldFar.write('b')
  otherFar.write('c')
  await arrived(other, Buffer.from('c'))
  held.write('question')
  await arrived(heldFar, Buffer.from('question'))
  expect(held.bytesRead).toBe(0)
  line.proxy.releaseAnswers()
  await arrived(held, Buffer.from('ab'))
})

test('led elsewhere, it ends what was open and connects to the other server', async () => {
  const [line, other] = [await Line.open(), await listen()]
  const [near] = await line.connect()
  line.proxy.lead(other)
  await closed(near)
  const accepted = other.accept()
  dial(line.proxy.port).write('moved')
  await arrived(await accepted, Buffer.from('moved'))
})

test('addresses lead through it', async () => {
  const { port } = await listen()
  await using proxy = await FaultProxy.open({ port })
  expect(proxy.through(`http://127.0.0.1:${port}/path`)).toBe(`http://127.0.0.1:${proxy.port}/path`)
  expect(proxy.through(`/ip4/127.0.0.1/tcp/${port}/ws`)).toBe(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`)
  expect(() => proxy.through('http://127.0.0.1:1')).toThrow('does not lead to')
})
