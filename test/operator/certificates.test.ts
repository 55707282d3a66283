import { copyFile, mkdtemp, rename, rm, symlink, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { createRendezvous } from '@websocket-star/rendezvous'
import { io } from 'socket.io-client'
import { eventually } from '@websocket-star/testkit'
import { afterAll, beforeAll, beforeEach, afterEach, expect, onTestFinished, test } from 'vitest'
import { createCertificates, type Certificates } from '../support/certificates.js'
import { CommandServer } from '../support/command.js'

let old: Certificates
let renewed: Certificates
let folder: string

beforeAll(async () => {
  old = await createCertificates(undefined, ['old.example'])
  renewed = await createCertificates(undefined, ['new.example'])
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'renewal-'))
})

afterEach(() => rm(folder, { recursive: true }))

afterAll(async () => {
  await old[Symbol.asyncDispose]()
  await renewed[Symbol.asyncDispose]()
})

const path = (name: string) => join(folder, name)

/** Returns the DNS name in the certificate that a new connection is shown. */
async function shownBy(port: number): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(/DNS:([^,]+)/.exec(socket.getPeerCertificate().subjectaltname ?? '')?.[1]))
      socket.destroy()
    }).once('error', reject)
  })
}

async function install({ key, cert }: Certificates): Promise<void> {
  await copyFile(key, path('key.pem'))
  await copyFile(cert, path('cert.pem'))
}

const logged = (server: CommandServer, text: string) =>
  server.stderr.until(`"${text}" in the log`, (lines) => lines.some((line) => line.includes(text)))

/** Points a symbolic link elsewhere in one step, as `ln -sfn` does not. */
async function relink(target: string, name: string): Promise<void> {
  await symlink(target, path(`${name}.next`))
  await rename(path(`${name}.next`), path(name))
}

test('SIGHUP loads a renewed certificate, and the server goes on', async () => {
  await install(old)
  await using server = await CommandServer.start([`--key=${path('key.pem')}`, `--cert=${path('cert.pem')}`])
  expect(await shownBy(server.port)).toBe('old.example')
  await install(renewed)
  server.child.kill('SIGHUP')
  await logged(server, 'the certificate was read again')
  expect(await shownBy(server.port)).toBe('new.example')
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
})

test.each<[string, (files: Certificates) => Promise<unknown>]>([
  ['is not there', () => rm(path('cert.pem'))],
  ['is half written', () => writeFile(path('cert.pem'), '-----BEGIN CERTIFICATE-----\nMIIB')],
  ['belongs to another key', ({ cert }) => copyFile(cert, path('cert.pem'))]
])('a new certificate that %s leaves the old one in use', async (_, damage) => {
  await install(old)
  await using server = await CommandServer.start([`--key=${path('key.pem')}`, `--cert=${path('cert.pem')}`])
  await damage(renewed)
  server.child.kill('SIGHUP')
  await logged(server, 'the previous one stays in use')
  expect(server.stderr.items.find((line) => line.includes('stays in use'))).toContain('cert: ')
  expect(await shownBy(server.port)).toBe('old.example')
  await install(renewed)
  server.child.kill('SIGHUP')
  await logged(server, 'the certificate was read again')
  expect(await shownBy(server.port)).toBe('new.example')
})

test('SIGHUP does not end a server without a certificate', async () => {
  await using server = await CommandServer.start()
  server.child.kill('SIGHUP')
  expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' })
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
})

/** How a renewal changes the files, and the paths that the server is given. */
const renewals: [string, () => Promise<void>, () => Promise<void>, [string, string]][] = [
  ['files that are overwritten', () => install(old), () => install(renewed), ['key.pem', 'cert.pem']],
  [
    'links to files, as of certbot',
    async () => {
      await relink(old.key, 'privkey.pem')
      await relink(old.cert, 'fullchain.pem')
    },
    async () => {
      await relink(renewed.key, 'privkey.pem')
      await relink(renewed.cert, 'fullchain.pem')
    },
    ['privkey.pem', 'fullchain.pem']
  ],
  [
    'a link to a folder, as of a Kubernetes secret',
    async () => {
      for (const [name, { key, cert }] of [['..1', old] as const, ['..2', renewed] as const]) {
        await mkdir(path(name))
        await copyFile(key, join(path(name), 'tls.key'))
        await copyFile(cert, join(path(name), 'tls.crt'))
      }
      await symlink('..1', path('..data'))
      await symlink('..data/tls.key', path('tls.key'))
      await symlink('..data/tls.crt', path('tls.crt'))
    },
    () => relink('..2', '..data'),
    ['tls.key', 'tls.crt']
  ]
]

test.each(renewals)('a renewal is noticed: %s', async (_, before, renew, [key, cert]) => {
  await before()
  await using server = await CommandServer.start([`--key=${path(key)}`, `--cert=${path(cert)}`])
  expect(await shownBy(server.port)).toBe('old.example')
  await renew()
  await logged(server, 'the certificate was read again')
  expect(await shownBy(server.port)).toBe('new.example')
})

test('a renewed PFX file is noticed too', async () => {
  await copyFile(old.pfx, path('pair.pfx'))
  await using server = await CommandServer.start([`--pfx=${path('pair.pfx')}`, `--passphrase=${old.passphrase}`])
  await copyFile(renewed.pfx, path('pair.pfx'))
  await eventually('the new certificate', async () => (await shownBy(server.port)) === 'new.example')
})

test('a library reloads on request, keeps its sessions, and reads the files again when it is restarted', async () => {
  await install(old)
  const server = createRendezvous({ host: '127.0.0.1', port: 0, key: path('key.pem'), cert: path('cert.pem') })
  await server.start()
  const { port, url } = server.address()
  const socket = io(url, { rejectUnauthorized: false, transports: ['websocket'] })
  onTestFinished(() => void socket.close())
  await eventually('a session', () => server.stats().sessions === 1)
  expect(server.names).toEqual(['old.example'])

  await copyFile(renewed.cert, path('cert.pem'))
  expect(() => server.reload()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTIONS' }))
  expect(server.names).toEqual(['old.example'])
  await copyFile(renewed.key, path('key.pem'))
  server.reload()
  expect(server.names).toEqual(['new.example'])
  expect(await shownBy(port)).toBe('new.example')
  expect(server.stats().sessions).toBe(1)
  await server.stop()

  await install(old)
  await server.start()
  expect(await shownBy(server.address().port)).toBe('old.example')
  await server.stop()
})
