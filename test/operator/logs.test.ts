import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '@websocket-star/testkit/processes'
import { eventually } from '@websocket-star/testkit'
import { Command, CommandServer, commandScript, runCommand } from '../support/command.js'
import { LineProcess } from '../support/line-process.js'
import { createCertificates, type Certificates } from '../support/certificates.js'

/** What warns right after the start, since there is no public address. */
const warning = 'no public address is set'

/** Starts a server, and stops it once it has given its warning; what it logged. */
async function logOf(args: readonly string[]): Promise<readonly string[]> {
  await using server = await CommandServer.start(args)
  await server.stderr.until('the warning', (lines) => lines.some((line) => line.includes(warning)))
  await server.stop('SIGTERM')
  return server.stderr.items
}

function printedBy({ stdout, stderr }: Command): string {
  return [...stdout.items, ...stderr.items].join('\n')
}

const pretty = '--log-format=pretty'

describe('the level', () => {
  test('warn lets a warning through', async () => {
    expect(await logOf(['--log-level=warn', pretty])).toHaveLength(1)
  })

  test.each(['error', 'silent'])('%s does not', async (level) => {
    await using server = await CommandServer.start([pretty], { WEBSOCKET_STAR_LOG_LEVEL: level })
    await server.stop('SIGTERM')
    expect(server.stderr.items).toEqual([])
  })

  test('does not change what the command prints on stdout', async () => {
    await using server = await CommandServer.start(['--log-level=silent', pretty])
    await server.stop('SIGTERM')
    expect(server.stdout.items).toEqual([
      expect.stringMatching(/^Listening on: /),
      expect.stringMatching(/^Give clients: /),
      expect.stringMatching(/^Admin token: {2}none; .*WEBSOCKET_STAR_ADMIN_TOKEN/),
      'Rendezvous server stopped'
    ])
  })

  test('applies to a JSON log, which has everything that is said', async () => {
    const port = await freePort()
    await using server = new Command([`--port=${port}`, '--host=127.0.0.1', '--log-level=silent'])
    await eventually('an answer', async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok)
    await server.stop('SIGTERM')
    expect(printedBy(server)).toBe('')
  })
})

describe('the form', () => {
  test.each([[[]], [['--log-format=json']]])('is JSON, one line each, and nothing is on stdout: %j', async (args) => {
    await using server = await CommandServer.start(['-h', '127.0.0.1', ...args])
    await server.stderr.until('the warning', (lines) => lines.some((line) => line.includes(warning)))
    await server.stop('SIGTERM')
    const { port, url } = server
    expect(server.stdout.items).toEqual([])
    expect(server.stderr.items.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ level: 40, time: expect.any(Number), msg: expect.stringContaining('--host') }),
      expect.objectContaining({
        level: 30,
        msg: `Listening on: ${url}`,
        urls: [url],
        addresses: [`/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`]
      }),
      expect.objectContaining({ level: 30, msg: expect.stringMatching(/^Admin token: none; .*--admin-token/) }),
      expect.objectContaining({ level: 40, time: expect.any(Number), msg: expect.stringContaining(warning) }),
      expect.objectContaining({ level: 30, msg: 'Rendezvous server stopped' })
    ])
  })

  test('is for people with --log-format=pretty, without colours where there is no terminal', async () => {
    const [line] = await logOf([pretty])
    expect(line).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d WARN  ${warning}`))
    expect(line).not.toContain('\u001B')
  })
})

describe('an admin token', () => {
  const given = 'a token that somebody chose'

  test.each([['json'], ['pretty']])('that was given is not printed (%s), and works', async (format) => {
    const env = { WEBSOCKET_STAR_ADMIN_TOKEN: given }
    await using server = await CommandServer.start([`--log-format=${format}`, '--log-level=debug'], env)
    const headers = { authorization: `Bearer ${given}` }
    expect((await fetch(`${server.url}/admin/peers`, { headers })).status).toBe(200)
    await server.stop('SIGTERM')
    expect(printedBy(server)).not.toContain('token')
  })

  test.each([[['--log-format=json']], [[]], [['demo']]])(
    'is generated on a terminal, and printed there: %j',
    async (args) => {
      const words = [process.execPath, commandScript, ...args, '--port=0', '--host=127.0.0.1']
      // It gives the command a terminal.
      await using terminal = new LineProcess(
        ['script', '--quiet', '--return', '--command', `exec ${words.join(' ')}`],
        '/dev/null',
        [],
        {}
      )
      await terminal.stdout.until('a token', (lines) => lines.some((line) => line.includes('Admin token:')))
      const said = terminal.stdout.items.join('\n')
      const token = /Admin token: +([\w-]{24})\s*$/m.exec(said)?.[1]
      const headers = { authorization: `Bearer ${token}` }
      const url = String(/http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0])
      expect((await fetch(`${url}/admin/peers`, { headers })).status).toBe(200)
      // A server outlives its terminal.
      const { pid } = terminal.child
      const server = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
      process.kill(Number(server), 'SIGTERM')
      await terminal.exit
    }
  )
})

describe('a passphrase is not printed', () => {
  const passphrase = '-hunter2-Geheim'
  let certificates: Certificates
  let folder: string

  beforeAll(async () => {
    certificates = await createCertificates(passphrase)
    folder = await mkdtemp(join(tmpdir(), 'logs-'))
  })

  afterAll(async () => {
    await certificates[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('by a server that starts with it', async () => {
    const { pfx } = certificates
    await using flag = await CommandServer.start([`--pfx=${pfx}`, `--passphrase=${passphrase}`, '--log-level=debug'])
    await using variable = await CommandServer.start(['--log-level=debug'], { PFX: pfx, PFX_PASSPHRASE: passphrase })
    await Promise.all([flag.stop('SIGTERM'), variable.stop('SIGTERM')])
    expect(printedBy(flag)).not.toContain('hunter2')
    expect(printedBy(variable)).not.toContain('hunter2')
  })

  test.each([
    ['opens nothing', (pfx: string) => [`--pfx=${pfx}`, `--passphrase=${passphrase}.`]],
    ['is given in two words', (pfx: string) => ['--pfx', pfx, '--passphrase', passphrase, '--port=x']],
    ['has its flag misspelt', (pfx: string) => [`--pfx=${pfx}`, `--pasphrase=${passphrase}`]]
  ])('if it %s', async (_, args) => {
    const { code, stdout, stderr } = await runCommand(args(certificates.pfx), { HOST: '127.0.0.1', PORT: '0' })
    expect(code).toBe(2)
    expect(stdout + stderr).not.toContain('hunter2')
  })

  test('if the file it stands in is no JSON', async () => {
    const path = join(folder, 'star.json')
    await writeFile(path, `{ "port": 0, "passphrase": ${passphrase} }`)
    const { code, stdout, stderr } = await runCommand(['--config', path])
    expect(code).toBe(2)
    expect(stdout + stderr).not.toContain('hunter2')
  })
})
