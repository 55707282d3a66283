// oxlint-disable-next-line import/no-unassigned-import -- it comes before libp2p is loaded
import '../support/promise-with-resolvers.js'
import { join } from 'node:path'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { eventually, Inbox } from '@websocket-star/testkit'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startNode } from '../support/libp2p-node.js'
import { startStar } from '../support/star.js'
import { launchChromium } from './support/browser.js'
import { say, serveByVite, untilShown } from './support/chat.js'
import type { Page } from './support/page.js'
import { ROOT } from './support/site.js'
import { setStage } from './support/stage.js'

const CHAT = join(ROOT, 'examples/libp2p-recipes/gossipsub-chat')
const TOPIC = 'websocket-star-chat'

/** A node that is in the same room, and dials nobody. */
async function startListener(star: string): Promise<{ pubsub: GossipSub; heard: Inbox<string> }> {
  const services = { identify: identify(), ping: ping(), pubsub: gossipsub({}) }
  const node = await startNode([star], { more: { services } })
  onTestFinished(() => node.stop())
  const { pubsub } = node.services as typeof node.services & { pubsub: GossipSub } // as configured
  const heard = new Inbox<string>()
  pubsub.addEventListener('message', ({ detail }) => heard.push(new TextDecoder().decode(detail.data)))
  pubsub.subscribe(TOPIC)
  return { pubsub, heard }
}

describe('the gossipsub chat, served by Vite', () => {
  const stage = setStage(launchChromium)
  let chat: string
  beforeAll(async () => {
    const served = await serveByVite(CHAT)
    chat = served.url
    return () => served[Symbol.asyncDispose]()
  })

  const open = (star: string): Promise<Page> => stage.openUrl(`${chat}?server=${encodeURIComponent(star)}`)

  test('what is typed in one tab is shown in the other, also after the star was away', async () => {
    await using star = await startStar()
    const [alice, bob] = [await open(star.multiaddr), await open(star.multiaddr)]
    await Promise.all([untilShown(alice, '#others', 'here: 1'), untilShown(bob, '#others', 'here: 1')])
    await say(alice, 'Is anybody there?')
    await untilShown(bob, '#messages', 'Is anybody there?')
    await say(bob, 'Ja: «ü» & <b>!')
    await untilShown(alice, '#messages', 'Ja: «ü» & <b>!')
    await star.stop()
    await Promise.all([untilShown(alice, '#others', 'nobody'), untilShown(bob, '#others', 'nobody')])
    await star.restart()
    await Promise.all([untilShown(alice, '#others', 'here: 1'), untilShown(bob, '#others', 'here: 1')])
    await say(alice, 'And again?')
    await untilShown(bob, '#messages', 'And again?')
    expect(await alice.evaluate('document.querySelectorAll("#messages li").length')).toBe(3)
  })

  // More than gossipsub thinks right behind one IP address.
  test('a tab is heard by sixteen others, and hears them', async () => {
    await using star = await startStar()
    const listeners = await Promise.all(Array.from({ length: 16 }, () => startListener(star.multiaddr)))
    const page = await open(star.multiaddr)
    // Each side tells of its subscriptions as soon as it has a stream to the other: from then on it can be heard.
    await untilShown(page, '#others', 'here: 16')
    for (const { pubsub } of listeners) {
      await eventually('the tab to subscribe', () => pubsub.getSubscribers(TOPIC).length === 1)
    }
    await say(page, 'Hello, all of you')
    for (const { heard } of listeners) expect(await heard.next('a line')).toBe('Hello, all of you')
    for (const [index, { pubsub }] of listeners.entries()) {
      await pubsub.publish(TOPIC, new TextEncoder().encode(`Hello from ${index}`))
      await untilShown(page, '#messages', `Hello from ${index}`)
    }
  })
})
