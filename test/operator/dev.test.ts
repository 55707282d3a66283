import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually, within } from '@websocket-star/testkit'
import { freePort } from '@websocket-star/testkit/processes'
import { expect, onTestFinished, test } from 'vitest'
import { root } from './examples.js'

/** Milliseconds that one build may take. */
const PATIENCE = 100_000
const PACKAGES = ['protocol', 'streams', 'client', 'rendezvous', 'web']

/** Copies what `npm run dev` works on, built as it is; removed when the test ends. */
async function copyOfRepository(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const scope = join(folder, 'node_modules/@websocket-star')
  await mkdir(scope, { recursive: true })
  const modules = await readdir(join(root, 'node_modules'))
  await Promise.all([
    ...['package.json', 'tsconfig.base.json', 'scripts', ...PACKAGES.map((name) => `packages/${name}`)].map((name) =>
      cp(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true })
    ),
    ...modules
      .filter((name) => name !== basename(scope) && !name.startsWith('.'))
      .map((name) => symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))),
    ...PACKAGES.map((name) => symlink(join(folder, 'packages', name), join(scope, name)))
  ])
  return folder
}

/** `npm run dev` in a copy of the repository. */
class DevServer implements AsyncDisposable {
  readonly url: string
  readonly lines: string[] = []
  /** Resolves with the exit code once all processes are gone: each of them holds the output open. */
  readonly ended: Promise<number | null>
  readonly #folder: string
  readonly #pid: number

  constructor(folder: string, port: number) {
    this.url = `http://127.0.0.1:${port}`
    this.#folder = folder
    const child = spawn(process.execPath, ['scripts/dev.js', '--host', '127.0.0.1', '--port', String(port)], {
      cwd: folder,
      // in a process group of its own, as a shell would start it
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    if (child.pid === undefined) throw new Error('Node cannot be run')
    this.#pid = child.pid
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => this.lines.push(line))
    }
    this.ended = new Promise((resolve) => child.once('close', resolve))
  }

  async said(text: string): Promise<void> {
    await this.#soon(`"${text}" to be printed`, () => this.lines.some((line) => line.includes(text)))
  }

  async serves(path: string, text: string): Promise<void> {
    await this.#soon(`"${text}" to be served at ${path}`, async () => (await this.get(path)).includes(text))
  }

  /** Replaces a file by its changed text in one step. */
  async edit(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.#folder, file)
    const draft = join(this.#folder, 'draft')
    await writeFile(draft, change(await readFile(path, 'utf8')))
    await rename(draft, path)
  }

  async get(path: string): Promise<string> {
    return await (await fetch(this.url + path)).text()
  }

  /** What Ctrl-C does. */
  interrupt(): void {
    process.kill(-this.#pid, 'SIGINT')
  }

  async #soon(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await eventually(what, probe, PATIENCE)
    } catch (cause) {
      throw new Error(`${String(cause)}; what was printed:\n${this.lines.join('\n')}`, { cause })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(-this.#pid, 'SIGKILL')
    } catch {
      // All are gone.
    }
    await this.ended
  }
}

test(
  'npm run dev serves what the sources say, and goes on while they are wrong',
  { timeout: 4 * PATIENCE },
  async () => {
    const folder = await copyOfRepository()
    await using dev = new DevServer(folder, await freePort())
    await dev.serves('/nowhere', 'Not found.')

    const pages = 'packages/rendezvous/src/http/pages.ts'
    await dev.edit(pages, (text) => text.replace('Not found.', 'Nothing new here.'))
    await dev.serves('/nowhere', 'Nothing new here.')
    expect(dev.lines).toContain(`dev: restarting after a change of ${pages}`)

    await dev.edit('packages/web/index.html', (text) => text.replace('</title>', ', edited</title>'))
    await dev.serves('/', ', edited</title>')

    const protocol = 'packages/protocol/src/index.ts'
    await dev.edit(protocol, (text) => `${text}export const wrong: number = 'text'\n`)
    await dev.said('TS2322')
    await dev.said('dev: the build failed; the last good server keeps running')
    expect(await dev.get('/nowhere')).toContain('Nothing new here.')

    await dev.edit(protocol, (text) => text.replace(`: number = 'text'`, ' = 1'))
    await dev.said(`dev: restarting after a change of ${protocol}`)
    await dev.serves('/', ', edited</title>')

    dev.interrupt()
    expect(await within('the end after Ctrl-C', dev.ended, PATIENCE)).toBe(0)
    await expect(dev.get('/')).rejects.toThrow('fetch failed')
  }
)
