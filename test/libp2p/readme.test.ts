import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Inbox } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { examplesOf, root } from '../operator/examples.js'
import { startStar } from '../support/star.js'

const NODE_22 = new URL('../support/node-22.js', import.meta.url).href

/** A file as a process of its own, which ends with the test; its lines as they come. */
function run(file: string, ...args: string[]): Inbox<string> {
  const child = spawn(process.execPath, ['--import', NODE_22, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  const lines = new Inbox<string>()
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => lines.push(line))
  return lines
}

test('the examples of the README find each other, reconnect after a restart, and talk', async () => {
  await using star = await startStar()
  const cache = join(root, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'readme-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const examples = examplesOf(await readFile(join(root, 'packages/libp2p/README.md'), 'utf8'))
  const files = examples.map((_, index) => join(folder, `${index}.mjs`))
  for (const [index, code] of examples.entries()) {
    await writeFile(
      String(files[index]),
      code.replaceAll('/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star', star.multiaddr)
    )
  }
  const [nodeFile = '', sayFile = '', ...more] = files
  expect(more).toEqual([])

  const [one, other] = [run(nodeFile), run(nodeFile)]
  const label = 'Peer id: '
  await one.until('its peer id', (lines) => lines.some((line) => line.startsWith(label)))
  const id = String(one.items.find((line) => line.startsWith(label))).slice(label.length)
  const connections = (lines: readonly string[]): number => lines.filter((line) => line === `Connected to ${id}`).length
  await other.until('a connection', (lines) => connections(lines) === 1)
  await star.stop()
  await star.restart()
  await other.until('a connection after the restart', (lines) => connections(lines) === 2)

  const answer = run(sayFile, id)
  await answer.until('an answer', (lines) => lines.includes('hello, star'))
})
