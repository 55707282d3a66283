import { freePort } from '@websocket-star/testkit/processes'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createCertificates, type Certificates } from '../support/certificates.js'
import { findNginx, Nginx } from '../support/nginx.js'
import { startStar } from '../support/star.js'
import { echoing, failure, joinClient, openClient, roundTripText, untilPeers } from '../support/star-client.js'

const ROOT = `  location / {
    proxy_pass http://star;
  }`

/** @returns why there is no nginx; undefined if there is one */
function missingNginx(): string | undefined {
  try {
    findNginx()
    return undefined
  } catch (error) {
    return String(error)
  }
}

describe('behind nginx, which strips the path', () => {
  let certificates: Certificates
  let missing: string | undefined

  beforeAll(async () => {
    missing = missingNginx()
    certificates = await createCertificates()
  }, 300_000)

  afterAll(async () => {
    await certificates[Symbol.asyncDispose]()
  })

  /** Two stars, mounted at `/one` and at `/two`; the second asks for a user and a password. */
  async function start() {
    const { cert, key, authority: ca } = certificates
    const port = await freePort()
    const options = {
      trustProxy: ['loopback'],
      publicAddresses: [`/dns4/localhost/tcp/${port}/wss/p2p-websocket-star`]
    }
    const [one, two] = [await startStar(options), await startStar(options)]
    for (const star of [one, two]) onTestFinished(() => star[Symbol.asyncDispose]())
    const mounted = `  location /one/ {
    proxy_pass http://127.0.0.1:${one.port}/;
  }
  location /two/ {
    if ($http_authorization != "Basic ${Buffer.from('us@er:s:ecret').toString('base64')}") {
      return 401;
    }
    proxy_pass http://127.0.0.1:${two.port}/;
  }`
    const nginx = await Nginx.start({ port, upstream: one.port, cert, key, replacements: [[ROOT, mounted]] })
    onTestFinished(() => nginx[Symbol.asyncDispose]())
    const [first, second] = [`https://localhost:${port}/one`, `https://us%40er:s:ecret@localhost:${port}/two/`]
    return { one, two, port, first, second, socket: { ca } }
  }

  test.for(['websocket', 'polling'] as const)('two stars of one host are joined by %s', async (transport, { skip }) => {
    if (missing !== undefined) return skip(missing)
    const { one, two, port, first, second, socket } = await start()
    const options = { socket, transports: [transport] }
    const both = await joinClient([first, second], options)
    const [atFirst, atSecond] = [await joinClient(first, options), await joinClient(second, options)]
    expect(both.servers.map(({ url }) => url)).toEqual([first, `https://localhost:${port}/two`])
    expect([one, two].map(({ server }) => server.stats().peers)).toEqual([2, 2])
    await untilPeers(both, 'the peers of both stars', () => both.peers.size === 2)
    for (const peer of [atFirst, atSecond]) {
      echoing(peer)
      expect(await roundTripText(await both.dial(peer.peerId), peer.peerId)).toBe(peer.peerId)
    }
    await both.leave(first)
    expect(both.servers.map(({ url }) => url)).toEqual([`https://localhost:${port}/two`])
  })

  test('another password is refused, and is no second way to the same server', async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const { second, socket } = await start()
    const wrong = second.replace('s:ecret', 'wrong')
    const stranger = await openClient(wrong, { socket, strict: true })
    const error = await failure(stranger.join())
    expect(error).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    expect(error.message).toContain('401')
    expect(error.message).not.toContain('wrong')
    // The URL is more specific than the headers of all servers.
    const headers = { Authorization: 'Basic bm9ib2R5' }
    const client = await joinClient(second, { socket: { ...socket, extraHeaders: headers } })
    expect(await failure(client.join({ server: wrong }))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' })
  })
})
