import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { StatusFeed, type Viewer } from '../../src/http/status-feed.js'
import type { StatusMessages } from '../../src/http/status-messages.js'
import { createRendezvous } from '../../src/rendezvous.js'
import { Counters, type RendezvousStats } from '../../src/stats.js'
import { budgetWith } from '../support/budget.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const budget = budgetWith()
const LOOPBACK = budget.addressOf({ ip: '127.0.0.1', exempt: true })

/** One second of the feed. */
const second = (): void => void vi.advanceTimersByTime(1_000)

interface Setting {
  feed: StatusFeed
  /** What the server says of itself from now on. */
  tell: (change: Partial<RendezvousStats>) => void
  /** Opens a page of a stranger, unless it is said otherwise. */
  connect: (viewer?: Partial<Viewer>) => Promise<Listening>
  counters: Counters
}

interface Listening {
  status: number | undefined
  response: IncomingMessage
  next: () => Promise<Event>
}

type Event = { [Name in keyof StatusMessages]: { name: Name; value: StatusMessages[Name] } }[keyof StatusMessages]

async function start(maxClients = 2): Promise<Setting> {
  let stats = createRendezvous().stats()
  const counters = new Counters()
  let viewer: Viewer = { account: LOOPBACK, isOperator: false, hasDetails: false }
  const feed = new StatusFeed({ stats: () => stats, state: () => 'ready', version: '1.2.3', maxClients, counters })
  feed.start()
  const server = createServer((request, response) => feed.open(request, response, viewer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    feed.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // it does not listen on a pipe
  return {
    feed,
    counters,
    tell: (change) => (stats = { ...stats, ...change }),
    connect: async (who = {}) =>
      await new Promise((resolve, reject) => {
        viewer = { account: LOOPBACK, isOperator: false, hasDetails: false, ...who }
        get({ port, host: '127.0.0.1', agent: false }, (response) => {
          const events = eventsOf(response)
          const next = async () => (await events.next()).value as Event // it does not end while it is asked
          resolve({ status: response.statusCode, response, next })
        }).once('error', reject)
      })
  }
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<Event, void, undefined> {
  let rest = ''
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
    const texts = (rest + part).split('\n\n')
    rest = texts.pop() ?? ''
    for (const text of texts) {
      const [name, data] = text.split('\n').map((line) => line.slice(line.indexOf(': ') + 2))
      yield { name, value: JSON.parse(String(data)) } as Event // as the feed writes them
    }
  }
}

test('a page that opens is told what was read before, and how things stand', async () => {
  const { tell, connect } = await start()
  tell({ peers: 3 })
  second()
  tell({ peers: 4, refused: { address: 2 } })
  second()
  const page = await connect({ isOperator: true, hasDetails: true })
  expect(page.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store'
  })
  const hello = await page.next()
  expect(hello).toMatchObject({ name: 'hello', value: { version: '1.2.3', uptime: 2_000 } })
  const { history } = hello.value as StatusMessages['hello'] // by its name
  expect(history.map(([, peers]) => peers)).toEqual([0, 3, 4])
  expect(await page.next()).toEqual({ name: 'state', value: 'ready' })
  expect(await page.next()).toMatchObject({ name: 'reasons', value: { refused: { address: 2 } } })
  expect(await page.next()).toMatchObject({ name: 'work', value: { request: 0 } })
  expect(await page.next()).toEqual({ name: 'cluster', value: null })
})

test('all pages hear of each reading, and of reasons when one was counted', async () => {
  const { tell, connect } = await start()
  const pages = [await connect(), await connect()]
  for (const page of pages) for (let count = 0; count < 5; count++) await page.next()
  second()
  for (const page of pages) expect(await page.next()).toMatchObject({ name: 'reading', value: { 1: 0 } })
  tell({ peers: 7, paused: { window: 1 }, slowed: 2, receivedBytes: 5 })
  second()
  for (const page of pages) {
    expect(await page.next()).toMatchObject({ name: 'reasons', value: { paused: { window: 1 } } })
    expect(await page.next()).toMatchObject({ name: 'reading', value: { 1: 7, 10: 2, 11: 5 } })
  }
})

test('ten minutes are kept', async () => {
  const { connect } = await start()
  for (let count = 0; count < 700; count++) second()
  const { value } = await (await connect()).next()
  expect((value as StatusMessages['hello']).history).toHaveLength(600) // the first event is that
})

test('more pages than it has places for are told to come again, and find one when another has gone', async () => {
  const { feed, connect } = await start(1)
  const first = await connect()
  const second = await connect()
  expect(second).toMatchObject({ status: 503, response: { headers: { 'retry-after': '10' } } })
  first.response.destroy()
  await expect.poll(() => feed.size).toBe(0)
  expect((await connect()).status).toBe(200)
})

test('a page of an operator finds a place: the oldest of a stranger gives way', async () => {
  const { feed, connect, counters } = await start(2)
  const [first, second] = [await connect(), await connect()]
  const gone = new Promise((resolve) => first.response.once('close', resolve).on('error', () => {}))
  const operators = [await connect({ isOperator: true })]
  await gone
  expect({ pages: feed.size, isOpen: !second.response.destroyed }).toEqual({ pages: 2, isOpen: true })
  second.response.on('error', () => {})
  operators.push(await connect({ isOperator: true }))
  expect(operators.map(({ status }) => status)).toEqual([200, 200])
  // Operators do not drive each other out.
  expect((await connect({ isOperator: true })).status).toBe(503)
  expect((await connect()).status).toBe(503)
  expect(counters.snapshot().refused).toEqual({ 'status pages': 2 })
})

test('strangers of one address may open a few pages only', async () => {
  const { connect, counters } = await start(64)
  const account = budget.addressOf({ ip: '192.0.2.1', exempt: false })
  for (let count = 0; count < 8; count++) expect((await connect({ account })).status).toBe(200)
  expect((await connect({ account })).status).toBe(503)
  expect((await connect({ account, isOperator: true })).status).toBe(200)
  expect((await connect({ account: budget.addressOf({ ip: '192.0.2.2', exempt: false }) })).status).toBe(200)
  expect(counters.snapshot().refused).toEqual({ 'status pages': 1 })
})

test('a page that does not read is let go', async () => {
  const { feed, tell, connect } = await start()
  const page = await connect()
  page.response.pause()
  expect(feed.size).toBe(1)
  // A name as long as no reason has, so that few readings fill what the system keeps.
  for (let count = 0; feed.size > 0 && count < 500; count++) {
    tell({ refused: { ['x'.repeat(100_000)]: count } as RendezvousStats['refused'] })
    second()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(feed.size).toBe(0)
})

test('closing ends all streams', async () => {
  const { feed, connect } = await start()
  const { response } = await connect()
  const ended = new Promise((resolve) => response.resume().once('end', resolve))
  feed.close()
  await ended
})

test('strangers are told no names of machines and no version, operators are', async () => {
  const { tell, connect } = await start()
  const node = 'machine-a-0123456789ab'
  const other = 'machine-b-ba9876543210'
  const figures = {
    fenced: false,
    leaseAge: 0,
    feedLag: 0,
    retransmits: 0,
    refusedEnvelopes: {},
    dials: 0,
    keptBytes: 0
  }
  const links = [{ node: other, unacknowledged: 1, window: 2 }]
  tell({ cluster: { ...figures, node, nodes: [node, other, 'machine-c'], links } })
  second()
  const [stranger, operator] = [await connect(), await connect({ isOperator: true, hasDetails: true })]
  const told = async ({ next }: Listening): Promise<Event[]> => {
    const events: Event[] = []
    for (let count = 0; count < 5; count++) events.push(await next())
    return events
  }
  const [forStranger, forOperator] = [await told(stranger), await told(operator)]
  expect(JSON.stringify(forStranger)).not.toMatch(/machine|1\.2\.3/)
  expect(forStranger).toContainEqual({
    name: 'cluster',
    value: {
      ...figures,
      node: '0123456789ab',
      nodes: ['0123456789ab', 'ba9876543210', expect.stringMatching(/^[0-9a-f]{12}$/)],
      links: [{ node: 'ba9876543210', unacknowledged: 1, window: 2 }]
    }
  })
  expect(forOperator[0]).toMatchObject({ name: 'hello', value: { version: '1.2.3' } })
  expect(forOperator).toContainEqual({
    name: 'cluster',
    value: { ...figures, node, nodes: [node, other, 'machine-c'], links }
  })
})
