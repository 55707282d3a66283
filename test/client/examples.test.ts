import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { within } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { startStar } from '../support/star.js'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

function run(script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(EXAMPLES, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  return child
}

/** Starts an example that listens. @returns the peer id it prints */
async function listening(script: string, ...args: string[]): Promise<string> {
  const child = run(script, ...args)
  let output = ''
  const found = new Promise<string>((resolve) => {
    child.stdout?.on('data', (data) => {
      output += String(data)
      const [, id] = /Peer id: (\S+)/.exec(output) ?? []
      if (id !== undefined) resolve(id)
    })
  })
  return await within('a peer id', found)
}

async function finished(script: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = run(script, ...args)
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('the example has no output')
  const [out, err, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'exit')])
  return { code: Number(code), out, err }
}

test('node-echo: what one sends comes back', async () => {
  await using star = await startStar()
  const id = await listening('node-echo/listen.js', star.url)
  expect(await finished('node-echo/dial.js', id, 'hällo', star.url)).toEqual({ code: 0, out: 'hällo\n', err: '' })
})

test('send-file: a file arrives whole, and the bar moves', async () => {
  await using star = await startStar()
  const folder = await mkdtemp(join(tmpdir(), 'send-file-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'there.bin')
  const bytes = randomBytes(50_000_000)
  await writeFile(file, bytes)
  const downloads = await mkdtemp(join(folder, 'downloads-'))
  const id = await listening('send-file/receive.js', downloads, star.url)
  const { code, out, err } = await finished('send-file/send.js', id, file, star.url)
  expect({ code, out }).toEqual({ code: 0, out: 'Sent there.bin\n' })
  expect(err).toMatch(/there\.bin █+░* \d+ % [\d.]+ MB\/s \d+ s left/)
  expect(err).toContain('100 %')
  expect(await readdir(downloads)).toEqual(['there.bin'])
  const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
  expect(digest(await readFile(join(downloads, 'there.bin')))).toBe(digest(bytes))
})

test('send-file: a peer that is not there is a clear error', async () => {
  await using star = await startStar()
  const nobody = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
  const { code, err } = await finished('send-file/send.js', nobody, fileURLToPath(import.meta.url), star.url)
  expect(code).toBe(1)
  expect(err).toContain(`was not sent: ${nobody} is on none of the servers`)
})

test.each(['node-echo/dial.js', 'send-file/send.js'])('%s without arguments says how it is used', async (script) => {
  const { code, err } = await finished(script)
  expect(code).toBe(2)
  expect(err).toMatch(/^Usage: /)
})
