import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { Command } from '../support/command.js'
import { startStar } from '../support/star.js'

/** All that a demo says. */
async function said({ stdout }: Command): Promise<{ lines: readonly string[]; url: URL }> {
  await stdout.until('all that it says', (lines) => lines.includes('Ctrl-C stops it.'))
  return { lines: stdout.items, url: new URL(String(/http\S+/.exec(String(stdout.items[0]))?.[0])) }
}

/** An address of this machine that others reach it by, if it has one. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses)
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

test('the demo says where its pages are, and lets nobody in but this machine', async () => {
  await using demo = new Command(['demo', '--port=0'])
  const { lines, url } = await said(demo)
  expect(url.href).toBe(`http://127.0.0.1:${url.port}/try`)
  expect((await fetch(url)).status).toBe(200)
  // The code is made of half blocks.
  expect(lines.filter((line) => /^[ ▀▄█]{20,}$/.test(line)).length).toBeGreaterThan(10)
  expect(lines).toContain(`Status page: http://127.0.0.1:${url.port}/`)
  const token = /^Admin token: (\S+)$/m.exec(lines.join('\n'))?.[1]
  const headers = { authorization: `Bearer ${token}` }
  expect((await fetch(new URL('/admin/peers', url), { headers })).status).toBe(200)
  const own = ownAddress()
  if (own !== undefined) expect(await isOpen(own, Number(url.port))).toBe(false)
  expect(await demo.stop('SIGINT')).toEqual({ code: 0, signal: null })
})

test.runIf(ownAddress() !== undefined)('with --lan other devices are let in, and told where', async () => {
  await using demo = new Command(['demo', '--lan', '--port=0'])
  const { url } = await said(demo)
  expect(url.hostname).toBe(ownAddress())
  expect((await fetch(url)).status).toBe(200)
})

test('a port that is taken is no obstacle, unless it was asked for', async () => {
  // Whoever has it, somebody has.
  const star = await startStar({ port: 9090 }).catch(() => undefined)
  onTestFinished(() => star?.stop())
  await using demo = new Command(['demo'])
  const { url } = await said(demo)
  expect(url.port).not.toBe('9090')
  await using refused = new Command(['demo', '--port=9090'])
  expect(await refused.exit).toMatchObject({ code: 2 })
})

test('the demo ends when its terminal is closed', async () => {
  await using demo = new Command(['demo', '--port=0'])
  await said(demo)
  expect(await demo.stop('SIGHUP')).toEqual({ code: 0, signal: null })
})
