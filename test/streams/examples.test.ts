import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { eventually, Inbox } from '@websocket-star/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { examplesOf, root } from '../operator/examples.js'

const documents = ['packages/streams/README.md', 'docs/streams-migration.md']

/** A file of an example: its name, which its first line says, and what is in it. */
interface ExampleFile {
  name: string
  code: string
}

/** Files that belong together: those of one section. */
interface Example {
  document: string
  title: string
  files: ExampleFile[]
}

/** Blocks that begin with the name of a module. */
function filesOf(section: string): ExampleFile[] {
  const blocks = section.matchAll(/^```js\n\/\/ (\S+\.mjs)\n(.*?)^```$/gms)
  return [...blocks].map(([, name = '', code = '']) => ({ name, code }))
}

function examplesIn(document: string): Example[] {
  const sections = readFileSync(root + document, 'utf8').split(/^(?=##+ )/m)
  return sections
    .map((section) => ({
      document,
      title: section.slice(0, section.indexOf('\n')).replace(/^#* /, ''),
      files: filesOf(section)
    }))
    .filter(({ files }) => files.length > 0)
}

const examples = documents.flatMap(examplesIn)

/** What the examples read. */
const given = {
  'photo.jpg': randomBytes(1_000_000),
  'profile.jpg': randomBytes(1_000_000),
  'report.csv': randomBytes(1_000_000),
  'some_file.txt': Buffer.from('some text')
}

/** What they make of it: the copy, and of what. */
const made: Record<string, [string, keyof typeof given]> = {
  'A server sends a file': ['copy of photo.jpg', 'photo.jpg'],
  'An upload': ['uploaded-profile.jpg', 'profile.jpg'],
  'A download that the client requests': ['file.txt', 'report.csv']
}

/** Inside node_modules, where packages are found by their names. */
let folder: string

beforeAll(() => {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  folder = mkdtempSync(join(root, 'node_modules/.cache/streams-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  return port
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, 'localhost')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}

/** What the comments behind `console.log` promise. */
function promisedBy(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, promise = '']) => promise)
}

/** A process of an example: the lines it writes, and its end. */
class Script {
  readonly lines = new Inbox<string>()
  readonly process: ChildProcess
  readonly exited: Promise<unknown>

  constructor(path: string) {
    this.process = spawn(process.execPath, [path], { cwd: dirname(path), stdio: 'pipe' })
    this.exited = once(this.process, 'exit')
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.trimEnd().split('\n')) this.lines.push(line)
      })
    }
    onTestFinished(() => void this.process.kill('SIGKILL'))
  }
}

describe.each(documents)('%s', (document) => {
  test('shows examples that can be run', () => {
    expect(examplesIn(document).length).toBeGreaterThan(1)
  })
})

test.each(examples)('$document: $title runs, and writes what it says', async ({ title, files }) => {
  const here = mkdtempSync(join(folder, 'example-'))
  for (const [name, contents] of Object.entries(given)) writeFileSync(join(here, name), contents)
  const port = await freePort()
  for (const { name, code } of files) writeFileSync(join(here, name), code.replaceAll('3000', String(port)))
  const start = (name: string): Script => new Script(join(here, name))

  const [server, ...clients] = files
  expect(server?.name).toBe('server.mjs')
  expect(clients.length).toBeGreaterThan(0)
  const running = start('server.mjs')
  await eventually('the server to listen', () => isListening(port))
  const scripts: Script[] = []
  for (const { name, code } of clients) {
    const script = start(name)
    scripts.push(script)
    // One that says so is to be there before the next begins.
    if (promisedBy(code).includes('ready')) await script.lines.next('ready')
  }
  for (const [index, { code }] of clients.entries()) {
    await scripts[index]?.exited
    // The order is that of the program, not of the text.
    expect(scripts[index]?.lines.items.toSorted()).toEqual(promisedBy(code).toSorted())
    expect(scripts[index]?.process.exitCode).toBe(0)
  }
  const promised = promisedBy(server?.code ?? '')
  await running.lines.until('what the server promises', (lines) => lines.length >= promised.length)
  expect(running.lines.items).toEqual(promised)

  const [copy, original] = made[title] ?? []
  if (copy !== undefined && original !== undefined) {
    expect(readFileSync(join(here, copy)).equals(given[original])).toBe(true)
  }
})

test('the examples that copy files are among them', () => {
  expect(examples.map(({ title }) => title)).toEqual(expect.arrayContaining(Object.keys(made)))
})

test('the examples that cannot be run fit the package as it is built', async () => {
  const codes = documents.flatMap((document) => examplesOf(readFileSync(root + document, 'utf8')))
  expect(codes.length).toBeGreaterThan(2)
  const names = codes.map((_code, index) => `example-${index}.mts`)
  for (const [index, code] of codes.entries()) writeFileSync(join(folder, names[index] ?? ''), code)
  writeFileSync(join(folder, 'wrong.mts'), `import { noSuchThing } from '@websocket-star/streams'\n`)
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
    types: [],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: true
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [...names, 'wrong.mts'] }))
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  const complaints = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder }, (_error, output) => resolve(output))
  })
  expect(complaints.trim().split('\n')).toEqual([expect.stringContaining('noSuchThing')])
})
