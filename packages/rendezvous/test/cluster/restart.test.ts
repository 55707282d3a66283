import { expect, test } from 'vitest'
import { createRendezvous } from '../../src/rendezvous.js'

async function readyOf(url: string): Promise<number> {
  return (await fetch(`${url}/ready`)).status
}

test('a server that is started while it stops joins the star again', async () => {
  const server = createRendezvous({ host: '127.0.0.1', port: 0 })
  await server.start()
  const stopped = server.stop()
  const started = server.start()
  await Promise.all([stopped, started])
  expect(await readyOf(server.address().url)).toBe(200)
  await Promise.all([server.stop(), server.stop()])
  expect(() => server.address()).toThrow('not listening')
})

test('a server that is started, stopped, started and stopped without a pause is not on the star', async () => {
  const server = createRendezvous({ host: '127.0.0.1', port: 0 })
  await Promise.all([server.start(), server.stop(), server.start(), server.stop()])
  expect(() => server.address()).toThrow('not listening')
})
