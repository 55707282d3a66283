import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { createCertificates } from '../support/certificates.js'
import { Command, CommandServer } from '../support/command.js'
import type { Runtime } from '../support/line-process.js'
import { freePort } from '@websocket-star/testkit/processes'

/** Runs a script of the shell, which ends by replacing itself with the server: `exec "$@"`. */
const shell = (script: string, ...options: string[]): Runtime => [
  ...(options as [string, ...string[]]),
  'sh',
  '-c',
  script,
  'sh',
  process.execPath
]

async function fetchPage(url: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    get(url, { agent: false, rejectUnauthorized: false }, (response) => {
      text(response).then(resolve, reject)
    }).once('error', reject)
  })
}

const lostLines = async (url: string): Promise<number> =>
  Number(/^rendezvous_log_lines_lost_total (\d+)$/m.exec(await fetchPage(`${url}/metrics`))?.[1])

const env = { WEBSOCKET_STAR_ADMIN_TOKEN: 'correct horse battery' }

/** How lines can be lost. */
const outputs: [string, string][] = [
  ['the log is on a full disk', 'exec "$@" 2>/dev/full'],
  ['stdout is on a full disk', 'exec "$@" >/dev/full'],
  ['both are', 'exec "$@" >/dev/full 2>/dev/full']
]

test.each(outputs)('a server goes on while %s, and stops cleanly', async (_, script) => {
  const port = await freePort()
  await using server = new Command(
    [`--port=${port}`, '--host=127.0.0.1', '--log-format=pretty'],
    env,
    shell(script, 'env')
  )
  const url = `http://127.0.0.1:${port}`
  await eventually('an answer', async () => (await fetch(`${url}/health`)).ok)
  // Each of these is a line in the log.
  const headers = { authorization: 'Bearer wrong' }
  for (let times = 0; times < 3; times++) expect((await fetch(`${url}/admin/peers`, { headers })).status).toBe(401)
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
})

test('a server goes on when the reader of its output is gone, and counts the lines', async () => {
  await using server = await CommandServer.start([], env)
  const { url } = server
  server.child.stdout?.destroy()
  server.child.stderr?.destroy()
  const headers = { authorization: 'Bearer wrong' }
  await eventually('lost lines', async () => {
    await fetch(`${url}/admin/peers`, { headers })
    return /^rendezvous_log_lines_lost_total [1-9]/m.test(await (await fetch(`${url}/metrics`)).text())
  })
  server.child.kill('SIGTERM')
  await once(server.child, 'exit')
  expect(server.child.exitCode).toBe(0)
})

test('lines that are lost while the disk is full are counted, and reported once there is room', async () => {
  const certificates = await createCertificates()
  const folder = await mkdtemp(join(tmpdir(), 'full-disk-'))
  onTestFinished(async () => {
    await certificates[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const port = await freePort()
  const cert = join(certificates.folder, 'renewed.pem')
  await copyFile(certificates.cert, cert)
  const disk = join(folder, 'disk')
  const namespaces = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']
  const script = `mkdir ${disk} && mount -t tmpfs -o size=1m tmpfs ${disk} && exec "$@" 2>${disk}/log`
  const args = [
    `--port=${port}`,
    '--host=127.0.0.1',
    `--key=${certificates.key}`,
    `--cert=${cert}`,
    '--log-format=json'
  ]
  await using server = new Command(args, {}, shell(script, 'unshare', ...namespaces))
  const url = `https://127.0.0.1:${port}`
  await eventually('an answer', async () => (await fetchPage(`${url}/health`)) !== '')
  // The disk as the server sees it.
  const seen = join(`/proc/${server.child.pid}/root`, disk)
  await expect(writeFile(join(seen, 'filler'), Buffer.alloc(2_000_000))).rejects.toMatchObject({ code: 'ENOSPC' })
  await rm(cert)
  await eventually('lost lines', async () => {
    server.child.kill('SIGHUP')
    return (await lostLines(url)) > 0
  })
  await rm(join(seen, 'filler'))
  await eventually('the report', async () => {
    server.child.kill('SIGHUP')
    return (await readFile(join(seen, 'log'), 'utf8')).includes('log lines were lost')
  })
  const lines = (await readFile(join(seen, 'log'), 'utf8')).trim().split('\n')
  const reported = lines.map((line) => JSON.parse(line) as { lines?: number }).find(({ lines }) => lines !== undefined)
  expect(reported?.lines).toBe(await lostLines(url))
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
})
