import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examplesOf, publicPackages, root } from './examples.js'

/** The fields of `npm pack --json` that are used here. */
interface Packed {
  name: string
  filename: string
  files: { path: string }[]
}

/** The fields of a package.json that are read here. */
interface Manifest {
  name: string
  exports: Record<string, object>
  dependencies: Record<string, string>
  homepage: string
  bugs: string
  repository: { type: string; url: string; directory: string }
  publishConfig: { access: string; provenance: boolean }
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
  // No scripts: the packages are built already, and other tests read what is built.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await run('npm', args, { cwd: root + path, timeout: patience })
  const [tarball] = JSON.parse(stdout) as [Packed] // one package, one tarball
  return tarball
}

function manifestOf(path: string): Manifest {
  return JSON.parse(readFileSync(`${root}${path}/package.json`, 'utf8')) as Manifest // checked by the tests below
}

/** Returns the folders of a package and of the packages here that it depends on, sorted. */
function withDependencies(path: string): string[] {
  const names = Object.keys(manifestOf(path).dependencies)
  const needed = publicPackages.filter((other) => names.includes(manifestOf(other).name))
  return [...new Set([path, ...needed.flatMap(withDependencies)])].toSorted()
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
    const maps = paths().filter((file) => file.endsWith('.map'))
    const named = maps.map((file) => file.replace(/^dist\/(.*?)(\.d\.ts|\.js)\.map$/, 'src/$1.ts'))
    expect(named).toContain('src/index.ts')
    expect(named.filter((file) => !paths().includes(file))).toEqual([])
  })

  test('says where it comes from', () => {
    const { homepage, bugs, repository, publishConfig } = manifestOf(path)
    const url = repository.url.replace(/^git\+(https:.*)\.git$/, '$1')
    expect(repository.directory).toBe(path)
    expect({ homepage, bugs }).toEqual({ homepage: `${url}/tree/main/${path}#readme`, bugs: `${url}/issues` })
    expect(publishConfig).toEqual({ access: 'public', provenance: true })
    expect(new Set(publicPackages.map((other) => manifestOf(other).repository.url)).size).toBe(1)
  })

  test('has nothing that publint minds', async () => {
    const tarball = await readFile(join(folder, String(packed.get(path)?.filename)))
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })
})

/** Returns the commands that the README of a package gives for installing it in a clone. */
function installCommands(path: string): string[] {
  const readme = readFileSync(`${root}${path}/README.md`, 'utf8')
  const [, commands = ''] = /^## Install$.*?^```sh\n(.*?)^```$/ms.exec(readme) ?? []
  return commands.trim().split('\n')
}

/** Installs a package into an empty project by the commands of its README, and returns the project's folder. */
async function install(path: string): Promise<string> {
  const project = await mkdtemp(join(folder, 'project-'))
  await writeFile(join(project, 'package.json'), '{ "private": true }')
  const [, ...commands] = installCommands(path)
  const script = commands.join('\n').replaceAll('npm pack', 'npm pack --ignore-scripts').replaceAll('~/my-app', project)
  await run('sh', ['-ec', script], { cwd: root, timeout: patience })
  return project
}

// The README of the libp2p package installs libp2p too: `test/libp2p/readme.test.ts` runs its examples.
test.each(publicPackages.filter((path) => path !== 'packages/libp2p'))(
  'the README of %s packs all it needs',
  (path) => {
    const [first, second = '', ...others] = installCommands(path)
    expect(first).toBe('npm ci')
    expect([...second.matchAll(/ -w (\S+)/g)].map(([, name]) => name).toSorted()).toEqual(withDependencies(path))
    expect(others).toHaveLength(1)
  }
)

test('the client, with what it depends on, installs into an empty project', { timeout: 300_000 }, async () => {
  const project = await install('packages/client')
  const program = `
    import * as protocol from '@websocket-star/protocol'
    import * as streams from '@websocket-star/streams'
    import * as client from '@websocket-star/client'
    console.log(typeof protocol.parseAddress, typeof streams.socketStreams, typeof client.createStarClient)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: project })
  expect(stdout).toBe('function function function\n')
})

describe('the types', () => {
  const LIB = /"lib": (\[[^\]]*\])/
  const TYPES = /"types": (\[[^\]]*\])/
  let consumer: string

  beforeAll(async () => {
    consumer = await mkdtemp(join(folder, 'consumer-'))
    for (const name of ['node', 'browser'])
      await linkDependencies(join(consumer, name, 'node_modules'), name === 'node')
  })

  /** Installs the tarballs without npm: other packages are links to those of the repository. */
  async function linkDependencies(modules: string, hasNodeTypes: boolean): Promise<void> {
    await mkdir(join(modules, '@types'), { recursive: true })
    await mkdir(join(modules, '@websocket-star'))
    const names = await readdir(join(root, 'node_modules'))
    const types = (await readdir(join(root, 'node_modules/@types'))).map((name) => `@types/${name}`)
    for (const name of [...names, ...types]) {
      const isOwn = ['@types', '@websocket-star'].includes(name) || name.startsWith('.')
      if (isOwn || (name === '@types/node' && !hasNodeTypes)) continue
      await symlink(join(root, 'node_modules', name), join(modules, name))
    }
    for (const path of publicPackages) {
      const target = join(modules, path.replace('packages', '@websocket-star'))
      await mkdir(target)
      const tarball = join(folder, String(packed.get(path)?.filename))
      await run('tar', ['-xzf', tarball, '-C', target, '--strip-components', '1'])
    }
  }

  /** Returns what the compiler says about modules in a project that is set up as the README of a package advises. */
  async function complaintsAbout(sources: string[], lib: readonly string[], types: readonly string[]): Promise<string> {
    const project = await mkdtemp(join(consumer, types.includes('node') ? 'node' : 'browser', 'project-'))
    const files = sources.map((_, index) => `${index}.mts`)
    for (const [index, source] of sources.entries()) await writeFile(join(project, String(files[index])), source)
    const compilerOptions = {
      lib,
      types,
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      // So that a linked package finds the consumer's packages, and not those of the repository.
      preserveSymlinks: true
    }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
    return await run(process.execPath, [tsc, '--pretty', 'false'], { cwd: project }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout
    )
  }

  /** Reads which `lib` and `types` the README of a package advises, and what the package exports. */
  async function consumerOf(path: string) {
    const readme = await readFile(join(root, path, 'README.md'), 'utf8')
    const { name, exports } = manifestOf(path)
    return {
      lib: JSON.parse(LIB.exec(readme)?.[1] ?? '[]') as string[],
      types: JSON.parse(TYPES.exec(readme)?.[1] ?? '[]') as string[],
      imports: Object.keys(exports).map((entry) => `export * from '${name}${entry.slice(1)}'`),
      examples: examplesOf(readme)
    }
  }

  test.each(['packages/protocol', 'packages/streams', 'packages/client'])(
    'of %s compile without skipLibCheck and without the types of Node',
    async (path) => {
      const { lib, types, imports } = await consumerOf(path)
      expect(types).toEqual([])
      expect(await complaintsAbout(imports, lib, types)).toBe('')
    }
  )

  test.each(publicPackages)('of %s compile without skipLibCheck, with the examples of its README', async (path) => {
    const { lib, imports, examples } = await consumerOf(path)
    expect(await complaintsAbout([...imports, ...examples], lib, ['node'])).toBe('')
  })

  test('do not compile with less than the README advises', async () => {
    const { lib, types, imports } = await consumerOf('packages/client')
    const less = lib.filter((name) => !name.startsWith('DOM'))
    expect(await complaintsAbout(imports, less, types)).toContain('@websocket-star/client/dist/')
  })
})

test(
  'the server installs into an empty project, where the example of its README runs',
  { timeout: 300_000 },
  async () => {
    const project = await install('packages/rendezvous')

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
