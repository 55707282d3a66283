import { eventually } from '@websocket-star/testkit'
import { nodeOf } from '@websocket-star/testkit/processes'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Runtime } from '../support/line-process.js'
import { CURRENT, PeerProcess } from '../support/peer-process.js'
import { startStar } from '../support/star.js'

/** The Node that runs the tests, and a newer one as it is: libp2p 3 lacks nothing there. */
const runtimes: { current: Runtime; newer: Runtime | undefined } = { current: CURRENT, newer: undefined }
let whyNone = ''

beforeAll(async () => {
  await nodeOf(24).then(
    (binary) => (runtimes.newer = [binary]),
    (error: unknown) => ([whyNone = ''] = String(error).split('\n'))
  )
}, 300_000)

describe.each([
  ['current', 'current'],
  ['newer', 'newer'],
  ['current', 'newer'],
  ['newer', 'current']
] as const)('on the %s Node, and on the %s one', (listener, dialler) => {
  test('two nodes find each other, talk and leave', async ({ skip }) => {
    const [near, far] = [runtimes[dialler], runtimes[listener]]
    if (near === undefined || far === undefined) return skip(`no Node 24 could be had from npm: ${whyNone}`)
    await using star = await startStar()
    await using bob = new PeerProcess(far, [star.multiaddr])
    const { peerId, node } = await bob.next('who it is')
    expect(node).toMatch(listener === 'newer' ? /^v24\./ : process.version)
    await using alice = new PeerProcess(near, [star.multiaddr, String(peerId)])
    expect(await alice.next('what came back')).toEqual({
      received: 1_000_000,
      isSame: true,
      node: expect.stringMatching(dialler === 'newer' ? /^v24\./ : process.version)
    })
    expect([await alice.leave(), alice.stderr.items]).toEqual([0, []])
    await eventually('word that one has left', () => star.server.stats().peers === 1)
    expect([await bob.leave(), bob.stderr.items]).toEqual([0, []])
    await eventually('word that both have', () => star.server.stats().sessions === 0)
    // They said goodbye.
    expect(star.server.stats()).toMatchObject({ streams: 0, closed: { 'client disconnect': 2 }, reset: {} })
  })
})
