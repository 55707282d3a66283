import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examplesOf, publicPackages, root } from './examples.js'

/** What `npm pack` says about a tarball it made, as far as it is used here. */
interface Packed {
  name: string
  filename: string
  files: { path: string }[]
}

/** Milliseconds npm may take to fetch and install everything. */
const patience = 200_000

const run = promisify(execFile)
let folder: string
let packed: Map<string, Packed>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-'))
  packed = new Map(await Promise.all(publicPackages.map(async (path) => [path, await pack(path)] as const)))
})

afterAll(() => rm(folder, { recursive: true }))

async function pack(path: string): Promise<Packed> {
  // Everything was built before the tests: others read it meanwhile.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await run('npm', args, { cwd: root + path, timeout: patience })
  const [tarball] = JSON.parse(stdout) as [Packed] // one package, one tarball
  return tarball
}

/** The bytes of all files below a folder. */
async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

describe.each(publicPackages)('%s', (path) => {
  const paths = (): string[] => packed.get(path)?.files.map((file) => file.path) ?? []

  test('is packed with what is needed, and nothing else', () => {
    const needed = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']
    expect(needed.filter((file) => !paths().includes(file))).toEqual([])
    expect(paths().filter((file) => !needed.includes(file) && !/^(bin|dist|src)\//.test(file))).toEqual([])
    expect(paths().filter((file) => /\.test\.|\.tsbuildinfo$|^\.|\/\./.test(file))).toEqual([])
  })

  test('holds the sources that its source maps name', () => {
    // What is bundled has its sources in the maps.
    const maps = paths().filter((file) => file.endsWith('.js.map') && !file.startsWith('dist/browser/'))
    const named = maps.map((file) => file.replace(/^dist\/(.*)\.js\.map$/, 'src/$1.ts'))
    expect(named).toContain('src/index.ts')
    expect(named.filter((file) => !paths().includes(file))).toEqual([])
  })

  test('has nothing that publint minds', async () => {
    const tarball = await readFile(join(folder, String(packed.get(path)?.filename)))
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })
})

/** A server, and nothing more. */
const SERVER = ['packages/protocol', 'packages/rendezvous']

test(
  'the server installs into an empty project, where the example of its README runs',
  { timeout: 300_000 },
  async () => {
    const project = await mkdtemp(join(folder, 'project-'))
    await writeFile(join(project, 'package.json'), '{ "private": true }')
    const tarballs = SERVER.map((path) => join(folder, String(packed.get(path)?.filename)))
    const install = ['install', '--no-audit', '--no-fund', ...tarballs]
    await run('npm', install, { cwd: project, timeout: patience })

    const readme = await readFile(join(project, 'node_modules/@websocket-star/rendezvous/README.md'), 'utf8')
    const [example = ''] = examplesOf(readme)
    await writeFile(join(project, 'example.mjs'), example)
    const { stdout, stderr } = await run(process.execPath, ['example.mjs'], { cwd: project, timeout: patience })
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:(\d+)\n\/ip4\/127\.0\.0\.1\/tcp\/\1\/ws\/p2p-websocket-star\n0\n$/)
    expect(stderr).toBe('')

    for (const command of ['rendezvous', 'websocket-star']) {
      const { stdout } = await run(join(project, 'node_modules/.bin', command), ['--version'], { timeout: patience })
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    }

    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as { packages: object } // npm's
    const installed = Object.keys(lock.packages).filter((path) => path !== '')
    const megabytes = (await sizeOf(join(project, 'node_modules'))) / 1_000_000
    expect(installed.length, installed.join(' ')).toBeLessThan(80)
    expect(megabytes).toBeLessThan(30)
  }
)
