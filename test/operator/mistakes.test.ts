import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../support/command.js'
import type { Environment } from '../support/line-process.js'
import { createCertificates, type Certificates } from '../support/certificates.js'

let certificates: Certificates
let folder: string
let busy: { server: Server; port: number }

beforeAll(async () => {
  certificates = await createCertificates()
  folder = await mkdtemp(join(tmpdir(), 'mistakes-'))
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  busy = { server, port: (server.address() as AddressInfo).port } // it does not listen on a pipe
})

afterAll(async () => {
  busy.server.close()
  await certificates[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** The one line that a start with a mistake prints, without the program's name. */
async function complaintOf(args: readonly string[], env: Environment = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand(args, { PORT: '0', HOST: '127.0.0.1', ...env })
  const line = expect.stringMatching(/^websocket-star: .+$/)
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: line })
  return stderr.replace('websocket-star: ', '')
}

describe.concurrent('one line names', () => {
  test.each<[what: string, args: string[], env: Environment, complaint: RegExp]>([
    ['a number that cannot be', ['--port', '65536'], {}, /^--port 65536: expected a whole number from 0 to 65535$/],
    ['a variable that cannot be', [], { PORT: '80s' }, /^PORT=80s: expected a whole number from 0 to 65535$/],
    ['a choice that cannot be', ['--log-format=xml'], {}, /^--log-format xml: expected one of auto, json, pretty$/],
    ['a text that cannot be', ['--host='], {}, /^--host : expected text that is not empty$/],
    ['a proxy that cannot be', ['--trust-proxy=next'], {}, /^--trust-proxy next: .*(subnet|loopback)/],
    ['a public address that is none', ['--public-address=here'], {}, /^--public-address here: .*multiaddr/],
    ['a public address of no star', ['--public-address=/dns4/a/wss'], {}, /\/wss: .*\/p2p-websocket-star/],
    [
      'a host of another machine',
      ['--host=192.0.2.77'],
      {},
      /^--host 192\.0\.2\.77: this is not an address of this machine/
    ],
    ['a host that needs more', ['--host=fe80::1'], {}, /^--host fe80::1: .*address/],
    ['an unknown flag', ['--prot=9090'], {}, /--prot.*--help-all lists all options/],
    ['a word too many', ['start'], {}, /start.*--help-all lists all options/],
    ['a flag without its value', ['--key'], {}, /--key <file>.*missing/],
    ['a key without a certificate', ['--key=key.pem'], {}, /^--key key\.pem: .*cert/],
    ['a key that is not there', ['--key=no.pem', '--cert=no.pem'], {}, /^--key no\.pem: .*no such file/]
  ])('%s', async (_, args, env, complaint) => {
    expect(await complaintOf(args, env)).toMatch(complaint)
  })

  test('a port in use', async () => {
    const { port } = busy
    expect(await complaintOf([`--port=${port}`])).toMatch(new RegExp(`^--port ${port}: .*in use.* free`))
    expect(await complaintOf([], { PORT: `${port}` })).toMatch(new RegExp(`^PORT=${port}: .*in use.* free`))
  })

  test('a passphrase that does not open the key', async () => {
    const { lockedKey, cert } = certificates
    const complaint = await complaintOf([`--key=${lockedKey}`, `--cert=${cert}`, '--passphrase=wrong'])
    expect(complaint).toMatch(/^--key \S+: .*passphrase/)
  })

  test('a passphrase that does not open the PFX file', async () => {
    expect(await complaintOf([], { PFX: certificates.pfx, PFX_PASSPHRASE: 'wrong' })).toMatch(/^PFX=\S+: .*passphrase/)
  })

  test('a configuration file that is not there', async () => {
    expect(await complaintOf(['--config', 'no.json'])).toMatch(/^--config no\.json: .*no such file/)
  })

  test.each([
    ['is no JSON', '{\n  "port": 9090,\n  "host": localhost\n}\n', '--config'],
    ['has an unknown key', '{ "prot": 9090 }', 'prot'],
    ['has a value that cannot be', '{ "limits": { "sessionsPerIp": "few" } }', 'limits.sessionsPerIp']
  ])('a configuration file that %s', async (_, content, named) => {
    const path = join(folder, `${named}.json`)
    await writeFile(path, content)
    const complaint = await complaintOf(['--config', path])
    expect(complaint).toContain(named)
    expect(complaint).toContain(path)
  })
})
