import { readFile } from 'node:fs/promises'
import { createRendezvous, LocalBackplane, LocalStar } from '@websocket-star/rendezvous'
import { openDial, type RawPeer } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { relayBothWays } from '../support/raw-pair.js'
import { openStar, type RawStar } from '../support/raw-star.js'

const manifest = await readFile(new URL('../../packages/rendezvous/package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(manifest) as { version: string }

const adminToken = 'a token for tests'
const PATHS = ['/', '/try', '/health', '/ready', '/metrics', '/nothing', '/admin/peers', '/socket.io/', '/assets/']

/** All that a path answers, headers included; of the event stream what comes at once. */
async function answerOf({ url }: RawStar, path: string, headers: Record<string, string> = {}): Promise<string> {
  const stop = new AbortController()
  const response = await fetch(`${url}${path}`, { headers, signal: stop.signal })
  let text = JSON.stringify([...response.headers])
  for await (const bytes of response.body ?? []) {
    text += new TextDecoder().decode(bytes)
    if (path === '/events') break
  }
  stop.abort()
  return text
}

test('strangers learn neither the names of nodes nor versions, wherever they look', async () => {
  const shared = new LocalStar()
  const [here, there] = [
    await openStar({ adminToken }, new LocalBackplane(shared, 'amsterdam')),
    await openStar({}, new LocalBackplane(shared, 'lisbon'))
  ]
  const [near, far] = [await here.join({ eio: '4' }), await there.join({ eio: '4' })]
  const line = await openDial(near, far)
  await relayBothWays(line.near, line.far)
  await near.request('ss-dial', near.address, '/nowhere', 'another')

  const details = new RegExp(`amsterdam|lisbon|${process.version}|"${version.replaceAll('.', '\\.')}"`)
  for (const path of [...PATHS, '/events']) expect(await answerOf(here, path), path).not.toMatch(details)
  const heard = ({ frames, welcome }: RawPeer): string => [...frames.map(String), welcome].join()
  expect(heard(near) + heard(far)).not.toMatch(details)

  const authorization = `Bearer ${adminToken}`
  for (const path of ['/events', '/metrics', '/admin/peers']) {
    expect(await answerOf(here, path, { authorization }), path).toMatch(/amsterdam|lisbon/)
  }
  expect(await answerOf(here, '/events', { authorization })).toContain(`"version":"${version}"`)
  expect(here.server.stats().refused['admin token']).toBe(1)
})

test('a private network may show them to everybody', async () => {
  const node = new LocalBackplane(new LocalStar(), 'amsterdam')
  const server = createRendezvous({ host: '127.0.0.1', port: 0, privateDetails: false, backplane: node })
  await server.start()
  onTestFinished(() => server.stop())
  const metrics = await (await fetch(`${server.address().url}/metrics`)).text()
  expect(metrics).toContain(`nodejs_version_info{version="${process.version}"`)
})
