import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examplesOf, publicPackages, root } from './examples.js'

/** Every file that is to show an example. */
const sources = [
  'README.md',
  'docs/errors.md',
  ...publicPackages.flatMap((folder) => [`${folder}/README.md`, `${folder}/src/index.ts`])
]

const examples = sources.flatMap((source) =>
  examplesOf(readFileSync(root + source, 'utf8')).map((code, index) => ({
    name: `${source}, example ${index + 1}`,
    file: `${source.replaceAll(/\W/g, '-')}-${index + 1}.mts`,
    code
  }))
)

const wrong = {
  name: 'wrong on purpose',
  file: 'wrong.mts',
  code: `import '@websocket-star/rendezvous/no-such-file'\n`
}

const compilerOptions = {
  target: 'es2023',
  lib: ['es2023', 'dom'],
  types: ['node'],
  module: 'nodenext',
  strict: true,
  noEmit: true,
  skipLibCheck: true
}

/** Inside node_modules, where the packages are found by their names. */
let folder: string
let complaints: string

beforeAll(async () => {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  folder = mkdtempSync(join(root, 'node_modules/.cache/examples-'))
  const files = [...examples, wrong]
  for (const { file, code } of files) writeFileSync(join(folder, file), code)
  const config = { compilerOptions, files: files.map(({ file }) => file) }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  complaints = await typeCheck()
})

afterAll(() => rmSync(folder, { recursive: true }))

async function typeCheck(): Promise<string> {
  const require = createRequire(import.meta.url)
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
  // it fails, since one file is wrong on purpose
  return await new Promise((resolve) => {
    execFile(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder }, (_error, output) => resolve(output))
  })
}

function complaintsAbout({ file }: { file: string }): string[] {
  return complaints.split('\n').filter((line) => line.includes(file))
}

test.each(sources)('%s shows an example', (source) => {
  expect(examples.map(({ name }) => name)).toContain(`${source}, example 1`)
})

test.each(examples)('$name fits the package as it is built', (example) => {
  expect(complaintsAbout(example)).toEqual([])
})

test('an example that does not fit is noticed', () => {
  expect(complaintsAbout(wrong)).toEqual([expect.stringContaining('no-such-file')])
})
