import { fileURLToPath } from 'node:url'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { build as vite, type Rollup } from 'vite'
import webpack from 'webpack'

const APP = fileURLToPath(new URL('../app', import.meta.url))

/** What a bundler made of the application: its page is `index.html`, its scripts have source maps. */
interface Build {
  /** Ids of the modules that went into it, as the bundler writes them. */
  modules: string[]
  /** What the bundler was not happy with. */
  complaints: string[]
}

/** Bundles for production, as it is without further configuration. */
export type Bundler = (folder: string) => Promise<Build>

export const BUNDLERS: readonly (readonly [name: string, bundle: Bundler])[] = [
  ['Vite', bundleWithVite],
  ['webpack', bundleWithWebpack],
  ['esbuild', bundleWithEsbuild]
]

async function bundleWithVite(folder: string): Promise<Build> {
  const complaints: string[] = []
  const onLog = (level: string, { message }: { message: string }): void => {
    if (level === 'warn') complaints.push(message)
  }
  const result = await vite({
    root: APP,
    base: './',
    configFile: false,
    logLevel: 'silent',
    build: { outDir: folder, emptyOutDir: true, sourcemap: true, rollupOptions: { onLog } }
  })
  const { output } = result as Rollup.RollupOutput // one format, and nobody watches
  const modules = output.flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []))
  return { modules, complaints }
}

async function bundleWithWebpack(folder: string): Promise<Build> {
  const compiler = webpack({
    mode: 'production',
    context: APP,
    entry: './main.js',
    output: { path: folder, filename: 'main.js', publicPath: 'auto' },
    devtool: 'source-map',
    performance: { hints: false }
  })
  const stats = await new Promise<webpack.Stats>((resolve, reject) => {
    compiler.run((error, stats) => (stats === undefined ? reject(error ?? new Error('no result')) : resolve(stats)))
  })
  await new Promise((resolve) => compiler.close(resolve))
  await copyFile(join(APP, 'index.html'), join(folder, 'index.html'))
  const {
    modules = [],
    errors = [],
    warnings = []
  } = stats.toJson({ all: false, modules: true, nestedModules: true, errors: true, warnings: true })
  return {
    modules: modules.flatMap((module) => [module, ...(module.modules ?? [])]).map(({ name }) => String(name)),
    complaints: [...errors, ...warnings].map(({ message }) => message)
  }
}

async function bundleWithEsbuild(folder: string): Promise<Build> {
  const { metafile, warnings } = await esbuild({
    absWorkingDir: APP,
    entryPoints: ['main.js'],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    sourcemap: true,
    metafile: true,
    logLevel: 'silent'
  })
  await copyFile(join(APP, 'index.html'), join(folder, 'index.html'))
  return { modules: Object.keys(metafile.inputs), complaints: warnings.map(({ text }) => text) }
}
