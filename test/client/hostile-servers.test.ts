import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { eventually } from '@websocket-star/testkit'
import { Server, type Socket } from 'socket.io'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { pushStreams } from '@websocket-star/client'
import { readableStream } from '@websocket-star/streams'
import { createNonce, parseAddress } from '@websocket-star/protocol'
import { startLyingStar } from '../support/lying-star.js'
import { startStar } from '../support/star.js'
import { accepting, failure, isClosed, joinClient, openClient, untilStatus } from '../support/star-client.js'

type Ack = (...args: unknown[]) => void

interface Lies {
  /** Answers a join. Default: admits all, without a challenge. */
  join?: (ack: Ack, address: string, data: string) => void
  dial?: (socket: Socket, ack: Ack, id: string) => void
  connected?: (socket: Socket) => void
  joined?: (socket: Socket) => void
}

/** Starts a socket.io server that answers as a test wants. */
async function startLiar({ join, dial, connected, joined }: Lies): Promise<{ url: string; sockets: Socket[] }> {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new Server(http)
  const sockets: Socket[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    connected?.(socket)
    socket.on('ss-join', (address: string, data: string, ack: Ack) => {
      if (join !== undefined) return join(ack, address, data)
      ack(null, null, [])
      joined?.(socket)
    })
    socket.on('ss-dial', (_from: string, _to: string, id: string, ack: Ack) => dial?.(socket, ack, id))
  })
  onTestFinished(() => void server.close())
  const { port } = http.address() as AddressInfo // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, sockets }
}

const NAIVE = { allowUnchallenged: true }

/** Returns the error of one attempt to join. */
async function refusal(url: string, options = {}): Promise<Error & { code?: string }> {
  const client = await openClient(url, { strict: true, ...options })
  return await failure(client.join())
}

describe('a server that wants something signed', () => {
  test("another star's nonce is not signed", async () => {
    const asked = vi.fn<(size: number) => void>()
    const { url } = await startLiar({
      join(ack, address, data) {
        asked(data.length)
        const victim = address.replace('127.0.0.1', '127.0.0.2')
        ack(null, createNonce(parseAddress(victim)))
      }
    })
    expect(await refusal(url)).toMatchObject({ code: 'ERR_INVALID_NONCE' })
    expect(asked).toHaveBeenCalledTimes(1)
  })

  test('one that passes everything on to a real star joins there as its user only while that knows no name', async () => {
    const name = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
    await using named = await startStar({ publicAddresses: [name] })
    await using liar = await startLyingStar(named, 'star.example.com')
    const victim = await openClient(liar.multiaddr, { strict: true })
    expect(await failure(victim.join())).toMatchObject({
      code: 'ERR_JOIN_REFUSED',
      message: expect.stringContaining(`not known by that address: ${liar.multiaddr}. It is ${name}`)
    })
    expect(named.server.stats()).toMatchObject({ peers: 0, joins: { success: 0 }, refused: { 'public address': 1 } })

    await using nameless = await startStar()
    await using other = await startLyingStar(nameless, 'star.example.com')
    await joinClient(other.multiaddr)
    expect(nameless.server.stats().peers).toBe(1)
  })

  test('arbitrary bytes are not signed, unless it is told to', async () => {
    const signatures: string[] = []
    const { url } = await startLiar({
      join(ack, _address, data) {
        if (data.length === 128) {
          signatures.push(data)
          ack(null, null, [])
        } else ack(null, 'I owe you 100 coins')
      }
    })
    expect(await refusal(url)).toMatchObject({ code: 'ERR_INVALID_NONCE' })
    expect(signatures).toEqual([])
    await joinClient(url, { signAnyNonce: true })
    expect(signatures).toHaveLength(1)
  })

  test('one that asks for nothing is not joined, unless that is allowed', async () => {
    const { url } = await startLiar({})
    expect(await refusal(url)).toMatchObject({ code: 'ERR_CHALLENGE_MISSING' })
    await joinClient(url, NAIVE)
  })

  test('one that goes on asking is given up', async () => {
    const { url } = await startLiar({ join: (ack, address) => ack(null, createNonce(parseAddress(address))) })
    expect(await refusal(url)).toMatchObject({ code: 'ERR_SERVER_PROTOCOL' })
  })
})

describe('a server that answers a join', () => {
  test.each([
    ['a number for a nonce', [null, 7], 'ERR_SERVER_PROTOCOL'],
    ['an object for the peers', [null, null, { length: 1e9 }], 'ERR_SERVER_PROTOCOL'],
    ['an error object', [{ message: 'no' }], 'ERR_JOIN_REFUSED'],
    ['a deep error', [[[[]]]], 'ERR_JOIN_REFUSED']
  ])('with %s is given up with a typed error', async (_name, answer, code) => {
    const { url } = await startLiar({ join: (ack) => ack(...answer) })
    expect(await refusal(url, NAIVE)).toMatchObject({ code })
  })

  test('never is given up in time', async () => {
    const { url } = await startLiar({ join: () => {} })
    expect(await refusal(url, { joinTimeout: 100 })).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })

  test('with a list of anything: what is an address is taken', async () => {
    const peer = `/dns4/x.example/wss/p2p-websocket-star/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5`
    const { url } = await startLiar({ join: (ack) => ack(null, null, [7, null, {}, 'x', peer, [peer], '']) })
    const client = await joinClient(url, NAIVE)
    expect([...client.peers].map(({ addresses }) => addresses)).toEqual([[peer]])
  })
})

describe('a server that sends events of odd shapes', () => {
  const oddities: [string, unknown[]][] = [
    ['ws-peer', []],
    ['ws-peer', [null]],
    ['ws-peer', [{}]],
    ['ws-peer', ['/ip4/1.2.3.4']],
    ['ss-peers', []],
    ['ss-peers', [{ joined: 7, left: {} }]],
    ['ss-peers', [{ joined: [null, {}], left: [[], 1] }]],
    ['ss-taken', [{}]],
    ['ss-held', []],
    ['ss-drain', [{ afterMs: 'soon' }]],
    ['ss-drain', []],
    ['ss-incomming', []],
    ['ss-incomming', ['id']],
    ['ss-incomming', [{}, {}]],
    ['ss-incomming', ['id', 'no address']],
    ['ss-incomming', ['not an id!', '/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5']],
    ['socket.io-pull-stream.queue.nobody', [Buffer.from('x')]],
    ['socket.io-pull-stream.accept.nobody', [{ window: -1 }]],
    ['socket.io-pull-stream.credit.nobody', [1e99]],
    ['socket.io-pull-stream.error.nobody', [{ deep: [[]] }]],
    ['socket.io-pull-stream.queue.', []],
    ['unheard of', [1, 2, 3]]
  ]

  test('the client lives on, and remembers only what is an address', async () => {
    const { url } = await startLiar({
      joined(socket) {
        for (const [name, args] of oddities) socket.emit(name, ...args)
      }
    })
    const client = await joinClient(url, NAIVE)
    accepting(client)
    await eventually('all of them to have come', () => client.peers.has('/ip4/1.2.3.4'))
    expect(client.servers[0]?.state).not.toBe('waiting')
    expect(client.peers.size).toBe(1)
  })

  test('a dial that cannot be read is answered with an error', async () => {
    const { url, sockets } = await startLiar({})
    const client = await joinClient(url, NAIVE)
    accepting(client)
    const [socket] = sockets
    for (const args of [
      ['id', 'forged'],
      ['!', '/ip4/1.2.3.4'],
      [7, 7],
      ['id', null]
    ]) {
      const [error] = await new Promise<unknown[]>((resolve) => {
        socket?.emit('ss-incomming', ...args, (...answer: unknown[]) => resolve(answer))
      })
      expect(error).toEqual(expect.any(String))
    }
  })

  test('an id that is in use is refused', async () => {
    const { url, sockets } = await startLiar({})
    const client = await joinClient(url, NAIVE)
    const accepted = accepting(client)
    const incoming = (): Promise<unknown[]> =>
      new Promise((resolve) => {
        const from = '/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
        sockets[0]?.emit('ss-incomming', 'same', from, (...answer: unknown[]) => resolve(answer))
      })
    expect(await incoming()).toEqual([])
    expect(await incoming()).toEqual(['Dial id is in use'])
    expect(await isClosed(await accepted.next())).toBe(false)
  })
})

describe('a server that breaks the rules of streams', () => {
  test.each([
    ['more than was granted', (socket: Socket, name: string) => flood(socket, name, 10_000_000), 'ERR_STREAM_PROTOCOL'],
    [
      'text for bytes',
      (socket: Socket, name: string) => socket.emit(`socket.io-pull-stream.queue.${name}`, 'text'),
      'ERR_STREAM_CODEC'
    ],
    [
      'an object for bytes',
      (socket: Socket, name: string) => socket.emit(`socket.io-pull-stream.queue.${name}`, { length: 1e9 }),
      'ERR_STREAM_CODEC'
    ],
    [
      'nothing for bytes',
      (socket: Socket, name: string) => socket.emit(`socket.io-pull-stream.queue.${name}`),
      'ERR_STREAM_CODEC'
    ],
    [
      'an end that is an object',
      (socket: Socket, name: string) => socket.emit(`socket.io-pull-stream.error.${name}`, {}),
      'ERR_STREAM_RESET'
    ]
  ])('%s: the stream ends with a typed error, and others go on', async (_name, lie, code) => {
    const { url, sockets } = await startLiar({ dial: (_socket, ack) => ack() })
    const client = await joinClient(url, { ...NAIVE, maxUnread: 1_000_000 })
    const target = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
    const [broken, whole] = [await client.dial(target), await client.dial(target)]
    const [socket] = sockets
    if (socket === undefined) throw new Error('not connected')
    const { source } = pushStreams(broken)
    const readable = readableStream(source)
    lie(socket, `${broken.id}.listener`)
    expect(
      await failure(
        readable
          .getReader()
          .read()
          .then(async function more({ done }): Promise<unknown> {
            return done ? undefined : await more(await readable.getReader().read())
          })
      )
    ).toBeDefined()
    await eventually('the error', () => source.error?.code === code)
    socket.emit(`socket.io-pull-stream.queue.${whole.id}.listener`, Buffer.from('fine'))
    const { value } = await whole.readable.getReader().read()
    expect(Buffer.from(value ?? []).toString()).toBe('fine')
    expect(client.servers[0]?.state).toBe('joined')
  })

  test('a window that is no number, or enormous, is taken for what it can be', async () => {
    const { url } = await startLiar({
      dial(socket, ack, id) {
        socket.emit(`socket.io-pull-stream.accept.${id}.dialer`, { window: 1e300 })
        socket.emit(`socket.io-pull-stream.credit.${id}.dialer`, -5)
        socket.emit(`socket.io-pull-stream.credit.${id}.dialer`, 'x')
        ack()
      }
    })
    const client = await joinClient(url, NAIVE)
    const connection = await client.dial('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
    const { sink } = pushStreams(connection)
    expect(sink.write(new Uint8Array(10))).toBe(true)
    await eventually('what was written to leave', () => sink.writableLength === 0)
  })
})

describe('a server that sends what only looks like a packet', () => {
  /** Packets written below socket.io, after the join. */
  test.each([
    '42[1]',
    '42[]',
    '42',
    '44',
    '430',
    '43',
    '45',
    '4',
    'x',
    '451-["ss-peers",{"_placeholder":true,"num":7}]'
  ])('%s: the client lives on, and comes back', async (text) => {
    let count = 0
    const { url } = await startLiar({
      joined(socket) {
        if (++count > 1) return
        // Written below engine.io.
        const { transport } = socket.conn as unknown as { transport: { socket: { send(text: string): void } } }
        transport.socket.send(text)
        transport.socket.send('42["ws-peer","/ip4/1.2.3.4"]')
      }
    })
    const client = await joinClient(url, NAIVE)
    await eventually('it to be joined, there or anew', () => client.peers.has('/ip4/1.2.3.4') || count > 1)
    await untilStatus(client, 'the join', () => client.servers[0]?.state === 'joined')
  })

  test.each([
    ['ss-taken', '/x'],
    ['ss-held', '/x'],
    ['ss-drain', { afterMs: 10 }]
  ])('%s before a join is done: the client joins', async (name, argument) => {
    let count = 0
    const { url } = await startLiar({
      connected(socket) {
        if (++count === 1) socket.emit(name, argument)
      }
    })
    const client = await openClient(url, NAIVE)
    await client.join()
    expect(client.addresses).toHaveLength(1)
  })
})

describe('a server whose handshake is none', () => {
  test.each([
    '',
    'null',
    '{"sid',
    '7',
    '{"sid":"a"}',
    '{"sid":"a","upgrades":{},"pingInterval":1,"pingTimeout":1}',
    '{"sid":"a","upgrades":[],"pingInterval":1e12,"pingTimeout":1}'
  ])('because it is %j: the attempt fails, and the process lives on', async (handshake) => {
    const http = createServer((_request, response) => response.end(`0${handshake}`)).listen(0, '127.0.0.1')
    await once(http, 'listening')
    const webSockets = new WebSocketServer({ server: http })
    webSockets.on('connection', (socket) => socket.send(`0${handshake}`))
    onTestFinished(() => void http.close())
    const { port } = http.address() as AddressInfo // it listens on TCP
    for (const transport of ['websocket', 'polling'] as const) {
      const why = await refusal(`http://127.0.0.1:${port}`, { transports: [transport] })
      expect(why).toMatchObject({ code: 'ERR_SERVER_PROTOCOL' })
      expect(why.message).toContain('it sent a malformed handshake')
    }
  })

  test('in the middle of a session loses it, and the client joins again', async () => {
    const { url, sockets } = await startLiar({})
    const client = await joinClient(url, NAIVE)
    const engine = sockets[0]?.conn as unknown as { sendPacket(type: string, data: string): void } | undefined // it is private
    engine?.sendPacket('open', '{')
    await eventually('another session', () => sockets.length > 1)
    await untilStatus(client, 'the return', () => client.servers[0]?.state === 'joined')
  })
})

test('a dial that has to wait for others takes no longer than its time', async () => {
  const { url } = await startLiar({})
  const client = await joinClient(url, { ...NAIVE, dialTimeout: 4_000 })
  const dials = Array.from({ length: 40 }, () =>
    failure(client.dial('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'))
  )
  await Promise.all(dials.slice(0, 32))
  // Those that had to wait are due now. If their time began now, they would be after this.
  const begunNow = new Promise((resolve) => setTimeout(resolve, 2_000, 'too late'))
  const others = await Promise.race([begunNow, Promise.all(dials.slice(32))])
  expect(others).toEqual(Array.from({ length: 8 }, () => expect.objectContaining({ code: 'ERR_DIAL_TIMEOUT' })))
})

test('a server that takes the connection and says nothing more is given up, and tried again', async () => {
  const silent = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      const accept = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
      socket.write(`${accept}Sec-WebSocket-Accept: wrong\r\n\r\n`)
    })
  }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo // it listens on TCP
  const client = await openClient(`http://127.0.0.1:${port}`, { connectTimeout: 200 })
  const states: string[] = []
  client.addEventListener('server:status', ({ detail }) => states.push(detail.state))
  const joining = failure(client.join())
  await eventually('two attempts', () => states.filter((state) => state === 'waiting').length > 1)
  await client.close()
  expect((await joining).code).toBe('ERR_CLIENT_CLOSED')
})

test('a server that never answers CONNECT is given up, and tried again', async () => {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new Server(http)
  let refusals = 0
  server.engine.on('connection', (socket: { removeAllListeners(name: string): void }) => {
    refusals++
    // The socket.io server does not receive it.
    socket.removeAllListeners('data')
  })
  onTestFinished(() => void server.close())
  const { port } = http.address() as AddressInfo // it listens on TCP
  const client = await openClient(`http://127.0.0.1:${port}`, { connectTimeout: 200 })
  const joining = failure(client.join())
  await eventually('two attempts', () => refusals > 1)
  await client.close()
  expect((await joining).code).toBe('ERR_CLIENT_CLOSED')
})

test('a server that goes down again and again is not connected to without end', async () => {
  let count = 0
  const { url, sockets } = await startLiar({
    joined(socket) {
      count++
      socket.emit(
        'ss-incomming',
        `dial-${count}`,
        '/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5',
        () => {}
      )
      socket.emit('ss-drain', { afterMs: 0 })
    }
  })
  const client = await openClient(url, { ...NAIVE, backoff: { initial: 20, max: 50 } })
  client.handle(() => {})
  await client.join()
  await eventually('ten connections', () => count >= 10)
  await eventually('most of them closed', () => sockets.filter(({ connected }) => connected).length < 8)
  await client.close()
  await eventually('all of them closed', () => sockets.every(({ connected }) => !connected))
})

test('empty chunks without end take no memory', async () => {
  const { url, sockets } = await startLiar({ dial: (_socket, ack) => ack() })
  const client = await joinClient(url, NAIVE)
  const connection = await client.dial('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
  const name = `${connection.id}.listener`
  for (let index = 0; index < 100_000; index++) sockets[0]?.emit(`socket.io-pull-stream.queue.${name}`, Buffer.alloc(0))
  for (let index = 0; index < 100_000; index++)
    sockets[0]?.emit(`socket.io-pull-stream.queue.${name}`, Buffer.from('x'))
  sockets[0]?.emit(`socket.io-pull-stream.error.${name}`, true)
  const { source } = pushStreams(connection)
  await source.whenClosed
  let chunks = 0
  let bytes = 0
  for await (const chunk of readableStream(source)) {
    chunks++
    bytes += chunk.length
  }
  expect(bytes).toBe(100_000)
  expect(chunks).toBeLessThan(10)
})

test('more dials than there may be connections are refused', async () => {
  const { url, sockets } = await startLiar({})
  const client = await joinClient(url, { ...NAIVE, maxConnections: 2 })
  accepting(client)
  const from = '/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
  const incoming = (id: string): Promise<unknown[]> =>
    new Promise((resolve) => sockets[0]?.emit('ss-incomming', id, from, (...answer: unknown[]) => resolve(answer)))
  expect(await incoming('one')).toEqual([])
  expect(await incoming('two')).toEqual([])
  expect(await incoming('three')).toEqual(['Too many connections'])
})

test('a server that goes down: the client connects anew while what is open there goes on', async () => {
  const { url, sockets } = await startLiar({ dial: (_socket, ack) => ack() })
  const client = await joinClient(url, NAIVE)
  const connection = await client.dial('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
  const drains: number[] = []
  client.addEventListener('server:drain', ({ detail }) => drains.push(detail.afterMs))
  const [old] = sockets
  old?.emit('ss-drain', { afterMs: 50 })
  await eventually('a second connection', () => sockets.length === 2)
  expect(drains).toEqual([50])
  await untilStatus(client, 'the join there', () => client.servers[0]?.state === 'joined')
  old?.emit(`socket.io-pull-stream.queue.${connection.id}.listener`, Buffer.from('still here'))
  const { value } = await connection.readable.getReader().read()
  expect(Buffer.from(value ?? []).toString()).toBe('still here')
  expect(old?.connected).toBe(true)
  connection.abort('done')
  await eventually('the old connection to be closed', () => old?.connected === false)
  expect(sockets[1]?.connected).toBe(true)
})

test('the client dials out to nobody but its servers', async () => {
  await using star = await startStar()
  await using elsewhere = await startStar()
  const [client, stranger] = [await joinClient(star), await joinClient(elsewhere)]
  const address = `${elsewhere.multiaddr}/p2p/${stranger.peerId}`
  expect(await failure(client.dial(address))).toMatchObject({ code: 'ERR_PEER_NOT_FOUND' })
  expect(elsewhere.server.stats().sessions).toBe(1)
})

function flood(socket: Socket, name: string, bytes: number): void {
  for (let sent = 0; sent < bytes; sent += 100_000) {
    socket.emit(`socket.io-pull-stream.queue.${name}`, Buffer.alloc(100_000))
  }
}
