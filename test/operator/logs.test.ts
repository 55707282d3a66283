import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CommandServer, runCommand, type Command } from '../support/command.js'
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

describe('the level', () => {
  test('warn lets a warning through', async () => {
    expect(await logOf(['--log-level=warn'])).toHaveLength(1)
  })

  test.each(['error', 'silent'])('%s does not', async (level) => {
    await using server = await CommandServer.start([], { WEBSOCKET_STAR_LOG_LEVEL: level })
    await server.stop('SIGTERM')
    expect(server.stderr.items).toEqual([])
  })

  test('does not change what the command prints', async () => {
    await using server = await CommandServer.start(['--log-level=silent'])
    await server.stop('SIGTERM')
    expect(server.stdout.items).toEqual([
      expect.stringMatching(/^Listening on: /),
      expect.stringMatching(/^Give clients: /),
      expect.stringMatching(/^Admin token: {2}[\w-]{24}$/),
      'Rendezvous server stopped'
    ])
  })
})

describe('the form', () => {
  test.each([[[]], [['--log-format=json']]])('is JSON, one line each: %j', async (args) => {
    const lines = await logOf(['-h', '127.0.0.1', ...args])
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ level: 40, time: expect.any(Number), msg: expect.stringContaining('--host') }),
      expect.objectContaining({ level: 40, time: expect.any(Number), msg: expect.stringContaining(warning) })
    ])
  })

  test('is for people with --log-format=pretty, without colours where there is no terminal', async () => {
    const [line] = await logOf(['--log-format=pretty'])
    expect(line).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d WARN  ${warning}`))
    expect(line).not.toContain('\u001B')
  })
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
