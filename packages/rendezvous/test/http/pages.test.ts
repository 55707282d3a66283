import { readdir, stat } from 'node:fs/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Admin } from '../../src/http/admin.js'
import { PAGE_POLICY } from '../../src/http/documents.js'
import { MetricsText } from '../../src/http/metrics-text.js'
import { createMetrics } from '../../src/http/metrics.js'
import { createPages, type PagesOptions } from '../../src/http/pages.js'
import { StatusFeed } from '../../src/http/status-feed.js'
import { Registry } from '../../src/registry/registry.js'
import { FlowControl } from '../../src/relay/flow-control.js'
import { Router } from '../../src/relay/router.js'
import { createRendezvous } from '../../src/rendezvous.js'
import { Counters, type ClusterStats } from '../../src/stats.js'
import { budgetWith } from '../support/budget.js'
import { serve, type Answer, type Ask } from './requests.js'

const fallback = '/ip4/192.0.2.9/tcp/9090/ws/p2p-websocket-star'

const CLUSTER: ClusterStats = {
  node: 'machine-a-0123456789ab',
  nodes: ['machine-a-0123456789ab', 'machine-b-ba9876543210', 'machine-c'],
  fenced: false,
  leaseAge: 0,
  feedLag: 0,
  links: [{ node: 'machine-b-ba9876543210', unacknowledged: 0, window: 1 }],
  retransmits: 0,
  refusedEnvelopes: {},
  dials: 0,
  keptBytes: 0
}

async function pages(options: Partial<PagesOptions> = {}): Promise<Ask> {
  const server = createRendezvous()
  const counters = new Counters()
  const account = budgetWith().addressOf({ ip: '192.0.2.1', exempt: false })
  return await serve(
    createPages({
      secure: false,
      ownsHost: true,
      requestedAt: ({ headers: { host } }) => ({ secure: undefined, host }),
      publicAddress: undefined,
      fallbackAddress: () => fallback,
      state: () => 'ready',
      publicFigures: true,
      metrics: (hasDetails) =>
        new MetricsText(
          createMetrics(
            () => server.stats(),
            () => CLUSTER,
            hasDetails
          )
        ),
      privateDetails: true,
      feed: new StatusFeed({
        stats: () => server.stats(),
        state: () => 'ready',
        version: '1.2.3',
        maxClients: 1,
        counters
      }),
      admin: undefined,
      playground: true,
      accountOf: () => account,
      isShort: () => false,
      counters,
      ...options
    })
  )
}

function shownAddress({ body }: Answer): string | undefined {
  return /<output>(.*)<\/output>/.exec(body)?.[1]
}

test.each([
  ['ready', 200],
  ['draining', 503],
  ['fenced', 503]
] as const)('whether it is ready (%s) is told at /ready', async (state, status) => {
  const ask = await pages({ state: () => state })
  expect(await ask('/ready')).toMatchObject({ status, body: `{"status":"${state}"}\n` })
})

describe('the front page', () => {
  test('is HTML that may load nothing else', async () => {
    const ask = await pages()
    const { status, headers, body } = await ask('/')
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': PAGE_POLICY,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache'
    })
    expect(body).toMatch(/^<!doctype html>/)
  })

  test.each([
    ['star.example.com:9090', '/dns4/star.example.com/tcp/9090/ws/p2p-websocket-star'],
    ['192.0.2.1', '/ip4/192.0.2.1/tcp/80/ws/p2p-websocket-star'],
    ['[::1]:9090', '/ip6/::1/tcp/9090/ws/p2p-websocket-star']
  ])('shows the address it was asked under: %s', async (host, multiaddr) => {
    const ask = await pages()
    expect(shownAddress(await ask('/', { headers: { host } }))).toBe(multiaddr)
  })

  test.each(['<script>alert(1)</script>', 'a b', 'x:99999', '[::1', '/'])(
    'shows an address of its own if the host is %j',
    async (host) => {
      const ask = await pages()
      expect(shownAddress(await ask('/', { headers: { host } }))).toBe(fallback)
    }
  )

  test.each(['<script>alert(1)</script>', '"><img src=x>', '"onload="alert(1)', `a&b"'`, 'a/<b>', 'a?<b>'])(
    'is not changed by the host, but for the address: %j',
    async (host) => {
      const ask = await pages()
      const [usual, hostile] = [await ask('/'), await ask('/', { headers: { host } })]
      const shown = shownAddress(hostile)
      expect(shown).not.toMatch(/[<>"]|&(?!\w+;)/)
      expect(hostile.body.replace(String(shown), String(shownAddress(usual)))).toBe(usual.body)
    }
  )

  test('is sent again only when it has changed', async () => {
    const ask = await pages()
    const { headers } = await ask('/')
    const again = await ask('/', { headers: { 'if-none-match': headers.etag } })
    expect(again).toMatchObject({ status: 304, body: '' })
    const elsewhere = { 'if-none-match': headers.etag, host: 'star.example.com' }
    expect(await ask('/', { headers: elsewhere })).toMatchObject({ status: 200 })
  })

  test.each([
    ['br', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync]
  ])('is compressed for those who take %s', async (accepted, encoding, decompress) => {
    const ask = await pages()
    const { headers, bytes } = await ask('/', { headers: { 'accept-encoding': accepted } })
    expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' })
    expect(decompress(bytes).toString()).toBe((await ask('/')).body)
  })

  test('shows the public address, whatever it was asked under', async () => {
    const publicAddress = '/dns4/public.example/tcp/443/wss/p2p-websocket-star'
    const ask = await pages({ publicAddress })
    expect(shownAddress(await ask('/', { headers: { host: 'star.example.com' } }))).toBe(publicAddress)
  })

  test('shows a secure address on a secure server', async () => {
    const ask = await pages({ secure: true })
    expect(shownAddress(await ask('/', { headers: { host: 'a.example' } }))).toContain('/tcp/443/wss/')
  })
})

describe('the playground', () => {
  test('is there unless it is not wanted', async () => {
    expect((await (await pages())('/try')).headers['content-security-policy']).toBe(PAGE_POLICY)
    const ask = await pages({ playground: false })
    expect((await ask('/try')).status).toBe(404)
    expect((await ask('/')).body).toContain('data-playground="off"')
  })
})

describe('what the pages load', () => {
  test.each(['/', '/try'])('is kept for ever, and compressed: %s', async (page) => {
    const ask = await pages()
    const { body } = await ask(page)
    // Relative, so that the pages work below any path.
    const paths = [...body.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(2)
    for (const path of paths) {
      expect(path).toMatch(/^\/assets\/[\w-]+\.(js|css|svg)$/)
      const { status, headers } = await ask(path, { headers: { 'accept-encoding': 'br' } })
      expect({ path, status }).toEqual({ path, status: 200 })
      expect(headers).toMatchObject({
        'cache-control': 'public,max-age=31536000,immutable',
        'x-content-type-options': 'nosniff'
      })
      if (/\.(js|css)$/.test(path)) expect(headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' })
    }
  })

  test('weighs little', async () => {
    const ask = await pages()
    const folder = new URL('../../dist/web/assets/', import.meta.url)
    const sizes = (await readdir(folder))
      .filter((name) => name.endsWith('.gz'))
      .map((name) => stat(new URL(name, folder)))
    // Both pages, with what only pages over plain HTTP load.
    const documents = await Promise.all(
      ['/', '/try'].map((page) => ask(page, { headers: { 'accept-encoding': 'gzip' } }))
    )
    const assets = (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0)
    expect(assets).toBeGreaterThan(10_000)
    expect(assets + documents.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(150_000)
  })

  test('and nothing else is served', async () => {
    const ask = await pages()
    for (const path of ['/assets/', '/assets/../index.html', '/assets/%2e%2e/index.html', '/assets/nothing.js']) {
      expect({ path, status: (await ask(path)).status }).toEqual({ path, status: 404 })
    }
  })
})

test('/health says that it is well', async () => {
  const ask = await pages()
  const { status, headers, body } = await ask('/health')
  expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json; charset=utf-8' })
  expect(JSON.parse(body)).toEqual({ status: 'ok' })
})

describe('/metrics', () => {
  test('are text in the form of Prometheus', async () => {
    const ask = await pages()
    const { status, headers, body } = await ask('/metrics')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toContain('\nrendezvous_peers 0\n')
  })

  test('are not found when they are for operators only and there are none', async () => {
    const ask = await pages({ publicFigures: false })
    expect((await ask('/metrics')).status).toBe(404)
    expect((await ask('/events')).status).toBe(404)
  })

  describe('name machines and versions', () => {
    const DETAILS = /machine|nodejs_version_info/
    const TOKEN = 'correct horse battery'
    const operator = { isOperator: ({ headers }) => headers.authorization === `Bearer ${TOKEN}` } as Admin // all it is asked

    test.each([
      ['nobody', {}, {}, false],
      ['whoever has the token', { authorization: `Bearer ${TOKEN}` }, {}, true],
      ['nobody who has another', { authorization: 'Bearer correct horse batterx' }, {}, false],
      ['everybody, if the operator says so', {}, { privateDetails: false }, true]
    ])('to %s', async (_, headers, options, isShown) => {
      const ask = await pages({ admin: operator, ...options })
      const { status, body } = await ask('/metrics', { headers })
      expect(status).toBe(200)
      expect(DETAILS.test(body)).toBe(isShown)
      const node = isShown ? 'machine-b-ba9876543210' : 'ba9876543210'
      expect(body).toContain(`\nrendezvous_cluster_link_window_bytes{node="${node}"} 1\n`)
    })
  })

  test('that cannot be read are a failure of the server', async () => {
    const metrics = new MetricsText(
      createMetrics(() => {
        throw new Error('no figures')
      })
    )
    const ask = await pages({ metrics: () => metrics })
    const { status, body } = await ask('/metrics')
    expect(status).toBe(500)
    expect(body).not.toContain('no figures')
  })
})

describe('load balancers', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('may check by %s', async (method) => {
    for (const [state, status] of [
      ['ready', 200],
      ['draining', 503]
    ] as const) {
      const ask = await pages({ state: () => state })
      expect((await ask('/ready', { method })).status).toBe(status)
      expect((await ask('/health', { method })).status).toBe(200)
      // Without a path, HAProxy asks for this one.
      expect((await ask('/', { method })).status).toBeLessThan(300)
    }
  })
})

describe('every page', () => {
  const paths = ['/', '/try', '/health', '/metrics', '/nothing']

  test.each(paths)('answers HEAD as GET, without the body: %s', async (path) => {
    const ask = await pages()
    const [head, get] = [await ask(path, { method: 'HEAD' }), await ask(path)]
    expect(head.status).toBe(get.status)
    expect(head.headers['content-type']).toBe(get.headers['content-type'])
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0)
    expect(head.body).toBe('')
  })

  test.each(paths)('answers no other method: %s', async (path) => {
    const ask = await pages()
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status, headers } = await ask(path, { method })
      expect({ method, status, allow: headers.allow }).toEqual({ method, status: 405, allow: 'GET, HEAD, OPTIONS' })
    }
  })

  test('does not mind a query', async () => {
    const ask = await pages()
    for (const path of ['/?x', '/health?x=1', '/metrics?x']) expect((await ask(path)).status).toBe(200)
  })
})

describe('an address that has cost too much', () => {
  const token = 'correct horse battery'

  async function owing(): Promise<{ ask: Ask; counters: Counters }> {
    const counters = new Counters()
    const account = budgetWith({ workPerIp: 1 }).addressOf({ ip: '192.0.2.1', exempt: false })
    account.charge('request', 100)
    const flow = new FlowControl({ highWaterMark: 1, sessionCeiling: 1, pauseTimeout: 1 }, counters, Date.now)
    const admin = new Admin({
      token,
      registry: new Registry(),
      router: new Router({ streamsPerSession: 1, acceptTimeout: 1 }, flow, counters),
      budget: budgetWith(),
      counters,
      logger: undefined,
      delay: 1,
      addressOf: () => '192.0.2.1',
      drain: () => {},
      cancelDrain: () => false
    })
    return { ask: await pages({ accountOf: () => account, counters, admin }), counters }
  }

  test.each(['/', '/try', '/health', '/metrics', '/events', '/nothing', '/admin/peers'])(
    'is told to come back: %s',
    async (path) => {
      const { ask, counters } = await owing()
      const { status, headers } = await ask(path)
      expect({ status, ...headers }).toMatchObject({ status: 429, 'retry-after': '4', connection: 'close' })
      expect(counters.snapshot().refused).toEqual({ 'rate limit': 1 })
    }
  )

  test('is served if it has the admin token', async () => {
    const { ask } = await owing()
    const authorization = `Bearer ${token}`
    for (const path of ['/', '/health', '/metrics', '/admin/peers']) {
      expect({ path, status: (await ask(path, { headers: { authorization } })).status }).toEqual({ path, status: 200 })
    }
    expect((await ask('/health', { headers: { authorization: `${authorization}.` } })).status).toBe(429)
  })
})

test('when few connections are left, each ends with its answer', async () => {
  const ask = await pages({ isShort: () => true })
  for (const path of ['/', '/health', '/metrics', '/ready']) {
    expect((await ask(path, { headers: { connection: 'keep-alive' } })).headers.connection).toBe('close')
  }
})

test('a public name is kept to HTTPS where the server speaks it and has the name for itself', async () => {
  const headers = { host: 'star.example.com' }
  const secure = await pages({ secure: true })
  for (const path of ['/', '/try', '/health', '/nothing']) {
    expect((await secure(path, { headers })).headers['strict-transport-security']).toBe('max-age=15552000')
  }
  for (const ask of [await pages(), await pages({ secure: true, ownsHost: false })])
    expect((await ask('/', { headers })).headers).not.toHaveProperty('strict-transport-security')
})

test.each(['/nothing', '/index.html', '/health/', '//', '/..', '/%2e%2e/package.json', '/metrics%00', '/__proto__'])(
  '%s is not found',
  async (path) => {
    const ask = await pages()
    const { status, headers, body } = await ask(path)
    expect({ status, type: headers['content-type'] }).toEqual({ status: 404, type: 'text/plain; charset=utf-8' })
    expect(body).not.toContain(path)
  }
)
