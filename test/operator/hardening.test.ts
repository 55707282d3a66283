import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createRendezvous, LocalBackplane, LocalStar, type RendezvousOptions } from '@websocket-star/rendezvous'
import { connectRaw, openDial, type RawOptions, type RawPeer } from '@websocket-star/testkit'
import { findCommand, freePort, unpackedProgram } from '@websocket-star/testkit/processes'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { leadLegacyClients } from '../support/lead-legacy-clients.js'
import { createCertificates, type Certificates } from '../support/certificates.js'
import { CommandServer } from '../support/command.js'
import { joinLegacy } from '../support/legacy.js'
import { findNginx, Nginx, type Replacement } from '../support/nginx.js'
import { createIdentity } from '../support/raw-identity.js'
import { relayBothWays } from '../support/raw-pair.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'

const run = promisify(execFile)

/** @returns the path of a sample for operators */
function sample(name: string): string {
  return fileURLToPath(new URL(`../../examples/operator/${name}`, import.meta.url))
}

/** @returns why a program is not there; undefined if it is */
function reasonOf(find: () => string): string | undefined {
  try {
    find()
    return undefined
  } catch (error) {
    return String(error)
  }
}

describe('behind nginx', () => {
  let certificates: Certificates
  let missing: string | undefined

  beforeAll(async () => {
    missing = reasonOf(findNginx)
    certificates = await createCertificates()
  }, 300_000)

  afterAll(async () => {
    await certificates[Symbol.asyncDispose]()
  })

  /** The lines of the sample for a proxy in front of nginx, whose word on addresses is taken. */
  const frontProxy: Replacement[] = [
    ['# set_real_ip_from 192.0.2.10', 'set_real_ip_from 127.0.0.1'],
    ['# real_ip_header', 'real_ip_header'],
    ['# real_ip_recursive', 'real_ip_recursive']
  ]

  /** A server with the flags of the sample and nginx in front of it, for one test. */
  async function start(options: RendezvousOptions = {}, replacements: readonly Replacement[] = []) {
    const { cert, key, authority: ca } = certificates
    const port = await freePort()
    const prefix = `/dns4/localhost/tcp/${port}/wss/p2p-websocket-star`
    const star = await startStar({ trustProxy: ['loopback'], publicAddresses: [prefix], ...options })
    onTestFinished(() => star[Symbol.asyncDispose]())
    const nginx = await Nginx.start({ port, upstream: star.port, cert, key, replacements })
    onTestFinished(() => nginx[Symbol.asyncDispose]())
    const connect = async (options: RawOptions = {}): Promise<RawPeer> => {
      const peer = await connectRaw(`https://localhost:${port}`, { ca, ...options })
      onTestFinished(() => peer.wire.close())
      return peer
    }
    const join = async (options: RawOptions = {}): Promise<RawPeer> => {
      const peer = await connect(options)
      await peer.join(await createIdentity(), prefix)
      return peer
    }
    return { star, port, prefix, connect, join, ca }
  }

  test('clients of all kinds join, and relay', async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const { star, port, prefix, join, ca } = await start()
    const line = await openDial(await join(), await join({ eio: '4' }))
    await relayBothWays(line.near, line.far)

    leadLegacyClients(`https://localhost:${port}`, ca)
    await using alice = await joinLegacy({ star: prefix, name: 'alice' })
    await using bob = await joinLegacy({ star: prefix, name: 'bob' })
    expect(await roundTrip(randomChunks(100_000), await alice.dial(bob.address))).toEqual(intact)
    expect(star.server.stats().refused).toEqual({})
  })

  test('what a client writes as its address is replaced', async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const { star, join } = await start({ limits: { sessionsPerIp: 1 } })
    const forged = { forwardedFor: '203.0.113.9' }
    await join(forged)
    await join(forged)
    expect(star.server.stats().refused).toEqual({})
  })

  test('each client counts as its own address at the server', async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const { star, join, connect } = await start({ limits: { sessionsPerIp: 1 } }, frontProxy)
    await join({ forwardedFor: '203.0.113.9' })
    await expect(connect({ forwardedFor: '203.0.113.9' })).rejects.toThrow('closed with')
    await join({ forwardedFor: '203.0.113.10' })
    expect(star.server.stats().refused).toEqual({ 'sessions per ip': 1 })
  })

  test('nginx limits the connections of an address, and how often it comes anew', async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const few: Replacement = ['limit_conn star_addresses 1024', 'limit_conn star_addresses 2']
    const rare: Replacement[] = [
      ['rate=20r/s', 'rate=1r/m'],
      ['burst=1000', 'burst=4']
    ]
    const { star, join, connect } = await start({}, [...frontProxy, few, ...rare])
    const [one, another] = [{ forwardedFor: '203.0.113.9' }, { forwardedFor: '203.0.113.10' }]
    await join(one)
    await join(one)
    await expect(connect(one)).rejects.toThrow('429')
    const left = await join(another)
    for (let count = 0; count < 4; count++) {
      left.wire.close()
      await left.wire.closed
      const next = await connect(another)
      next.wire.close()
      await next.wire.closed
    }
    await expect(connect(another)).rejects.toThrow('429')
    // Requests of a session that is there are not newcomers: the server has the last word on them.
    await expect(connect({ ...another, sid: 'none' })).rejects.toThrow('400')
    expect(star.server.stats().refused).toEqual({})
  })
})

describe('the unit for systemd', () => {
  /** What it starts, with its flags. */
  const commandIn = (unit: string): string[] =>
    (/^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit)?.[1] ?? '').replaceAll('\\\n', ' ').trim().split(/\s+/)

  test('is one that systemd takes', async ({ skip }) => {
    if (findCommand('systemd-analyze') === undefined) return skip('systemd-analyze is missing')
    const folder = await mkdtemp(join(tmpdir(), 'unit-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const unit = await readFile(sample('websocket-star.service'), 'utf8')
    const verify = async (text: string): Promise<string> => {
      const path = join(folder, 'websocket-star.service')
      await writeFile(path, text)
      const { stdout, stderr } = await run('systemd-analyze', ['verify', path]).catch((error: unknown) => {
        return error as { stdout: string; stderr: string } // of execFile
      })
      // It looks at the units of this machine too.
      return (stdout + stderr)
        .split('\n')
        .filter((line) => line.includes('websocket-star.service'))
        .join('\n')
    }
    const here = unit.replaceAll('/usr/local/bin/websocket-star', process.execPath)
    expect(await verify(here)).toBe('')
    expect(await verify(here.replace('MemoryMax=2G', 'MemoryMost=2G'))).toContain('MemoryMost')
  })

  test('starts the server with flags that it has, and SIGTERM stops it', async () => {
    const [program, ...flags] = commandIn(await readFile(sample('websocket-star.service'), 'utf8'))
    expect(program).toBe('/usr/local/bin/websocket-star')
    expect(flags).toContain('--trust-proxy')
    const server = await CommandServer.start(flags)
    expect(server.multiaddr).toBe('/dns4/star.example.com/tcp/443/wss/p2p-websocket-star')
    expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})

describe('the rules for Prometheus', () => {
  const findPromtool = (): string =>
    unpackedProgram('promtool', { packageName: 'prometheus', path: 'usr/bin/promtool' })
  let missing: string | undefined

  beforeAll(() => {
    missing = reasonOf(findPromtool)
  }, 300_000)

  test('are ones that Prometheus takes, and fire as their tests say', async ({ skip }) => {
    if (missing !== undefined) return skip(missing)
    const promtool = findPromtool()
    expect((await run(promtool, ['check', 'rules', sample('alerts.yml')])).stdout).toContain('SUCCESS')
    expect((await run(promtool, ['test', 'rules', sample('alerts.test.yml')])).stdout).toContain('SUCCESS')
  })

  test('ask for metrics and reasons that there are', async () => {
    const server = createRendezvous({ host: '127.0.0.1', port: 0, backplane: new LocalBackplane(new LocalStar(), 'a') })
    await server.start()
    onTestFinished(() => server.stop())
    const metrics = await (await fetch(`${server.address().url}/metrics`)).text()
    const known = new Set(Array.from(metrics.matchAll(/^# TYPE (\w+)/gm), ([, name]) => name))
    const rules = await readFile(sample('alerts.yml'), 'utf8')
    const asked = new Set(rules.match(/\b(?:rendezvous|process|nodejs)_\w+/g))
    expect([...asked].filter((name) => !known.has(name))).toEqual([])

    const stats = await readFile(new URL('../../packages/rendezvous/src/stats.ts', import.meta.url), 'utf8')
    const reasons = new Set(Array.from(stats.matchAll(/^ {2}\| '(.+)'$/gm), ([, reason]) => reason))
    const lists = Array.from(rules.matchAll(/(\w+):increase5m\{reason=~?"(.+?)"\}/g))
    const ownReasons = lists.filter(([, count]) => count !== 'cluster_refused' && count !== 'paused')
    expect(ownReasons.length).toBeGreaterThan(5)
    const unknown = ownReasons.flatMap(([, , list = '']) => list.split('|')).filter((reason) => !reasons.has(reason))
    expect(unknown).toEqual([])
  })
})
