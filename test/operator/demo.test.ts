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

/** Lines of a QR code, which is made of half blocks. */
function codeIn(lines: readonly string[]): string[] {
  return lines.filter((line) => /^[ ▀▄█]{20,}$/.test(line))
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
  expect(codeIn(lines)).toEqual([])
  expect(lines).toContain(`Status page: http://127.0.0.1:${url.port}/`)
  // A token would end up in the file that this is redirected to.
  expect(lines.join('\n')).toContain('Admin token: none; ')
  expect((await fetch(new URL('/admin/peers', url))).status).toBe(404)
  const own = ownAddress()
  if (own !== undefined) expect(await isOpen(own, Number(url.port))).toBe(false)
  expect(await demo.stop('SIGINT')).toEqual({ code: 0, signal: null })
})

test.runIf(ownAddress() !== undefined)('with --lan other devices are let in, and told where', async () => {
  await using demo = new Command(['demo', '--lan', '--port=0'])
  const { url, lines } = await said(demo)
  expect(url.hostname).toBe(ownAddress())
  expect(codeIn(lines).length).toBeGreaterThan(10)
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

test('with --lan on a machine without a network there is no code either', async () => {
  const namespaces = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net']
  const script = 'ip link set lo up; exec "$@"'
  const shell = ['unshare', ...namespaces, 'sh', '-c', script, 'sh', process.execPath] as const
  await using demo = new Command(['demo', '--lan', '--port=0'], {}, shell)
  const { url, lines } = await said(demo)
  expect(url.hostname).toBe('127.0.0.1')
  expect(codeIn(lines)).toEqual([])
  expect(lines.join('\n')).toContain('no address on a network')
})

test.runIf(ownAddress() !== undefined)('a host that a phone can open has a code without --lan', async () => {
  await using demo = new Command(['demo', '--port=0', `--host=${ownAddress()}`])
  const { url, lines } = await said(demo)
  expect(url.hostname).toBe(ownAddress())
  expect(codeIn(lines).length).toBeGreaterThan(10)
})
