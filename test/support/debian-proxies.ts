import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually, Inbox } from '@websocket-star/testkit'
import { OwnedProcess, unpackedProgram } from '@websocket-star/testkit/processes'
import type { Certificates } from './certificates.js'
import { isOpen, NGINX_BASE, replaced, type Replacement } from './nginx.js'

const PAGE = new URL('../../docs/proxies.md', import.meta.url)

export type ProxyName = 'nginx' | 'caddyfile' | 'haproxy' | 'apache'

interface Program {
  find(): string
  args: readonly string[]
  /** What the sample is a part of, and what a test changes in it. */
  file: string
  around(sample: string, folder: string): string
  changes(port: number, folder: string): Replacement[]
}

/** The folder that it runs in belongs to this user. */
const NGINX = `user ${userInfo().username};\n${NGINX_BASE}`

const APACHE_MODULES =
  'mpm_event authz_core ssl socache_shmcb headers proxy proxy_http proxy_wstunnel proxy_balancer proxy_hcheck lbmethod_byrequests slotmem_shm'.split(
    ' '
  )

const findApache = (): string =>
  unpackedProgram('apache2', {
    packageName: 'apache2-bin',
    path: 'usr/sbin/apache2',
    libraries: ['libapr1', 'libaprutil1']
  })

const LETS_ENCRYPT = '/etc/letsencrypt/live/star.example.com'

const PROGRAMS: Readonly<Record<ProxyName, Program>> = {
  nginx: {
    find: () => unpackedProgram('nginx', { packageName: 'nginx', path: 'usr/sbin/nginx' }),
    args: ['-p', './', '-e', 'stderr', '-c', 'proxy.conf'],
    file: 'proxy.conf',
    around: (sample) => `${NGINX}${sample}}\n`,
    changes: (port, folder) => [
      ['listen 443', `listen 127.0.0.1:${port}`],
      [`${LETS_ENCRYPT}/fullchain.pem`, `${folder}/cert.pem`],
      [`${LETS_ENCRYPT}/privkey.pem`, `${folder}/key.pem`]
    ]
  },
  caddyfile: {
    find: () => unpackedProgram('caddy', { packageName: 'caddy', path: 'usr/bin/caddy' }),
    args: ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'],
    file: 'Caddyfile',
    around: (sample) => `{\n  admin off\n  auto_https disable_redirects\n  default_bind 127.0.0.1\n}\n${sample}`,
    changes: (port, folder) => [
      ['star.example.com {', `https://localhost:${port} {\n  tls ${folder}/cert.pem ${folder}/key.pem`]
    ]
  },
  haproxy: {
    find: () =>
      unpackedProgram('haproxy', {
        packageName: 'haproxy',
        path: 'usr/sbin/haproxy',
        libraries: ['liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1']
      }),
    args: ['-db', '-f', 'haproxy.cfg'],
    file: 'haproxy.cfg',
    around: (sample) => sample,
    changes: (port, folder) => [
      ['bind :443 ssl crt /etc/haproxy/star.pem', `bind 127.0.0.1:${port} ssl crt ${folder}/both.pem`]
    ]
  },
  apache: {
    find: findApache,
    args: ['-DFOREGROUND', '-f', 'apache.conf', '-d', '.'],
    file: 'apache.conf',
    around: (sample, folder) => {
      const modules = join(findApache(), '../../lib/apache2/modules')
      const isRoot = process.getuid?.() === 0
      const loads = APACHE_MODULES.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`)
      return `ServerRoot ${folder}\nServerName localhost\nPidFile apache.pid\nDefaultRuntimeDir ${folder}\nErrorLog error.log\n${isRoot ? 'User nobody\nGroup nogroup\n' : ''}${loads.join('\n')}\n${sample}`
    },
    changes: (port, folder) => [
      ['<VirtualHost *:443>', `Listen 127.0.0.1:${port}\n<VirtualHost *:${port}>`],
      [`${LETS_ENCRYPT}/fullchain.pem`, `${folder}/cert.pem`],
      [`${LETS_ENCRYPT}/privkey.pem`, `${folder}/key.pem`]
    ]
  }
}

export interface DebianProxyOptions {
  name: ProxyName
  port: number
  /** Ports of the two nodes behind it. */
  nodes: readonly [first: number, second: number]
  /** For `localhost`. */
  certificates: Certificates
  changes?: readonly Replacement[] | undefined
  /** Texts of further files in the folder that it runs in. */
  files?: Readonly<Record<string, string>>
}

/** @returns why a program is missing; undefined if it can be run */
export function missingProgram(name: ProxyName): string | undefined {
  try {
    PROGRAMS[name].find()
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** A real proxy with its sample from docs/proxies.md. */
export class DebianProxy implements AsyncDisposable {
  readonly log: Inbox<string>
  readonly #folder: string
  readonly #process: OwnedProcess

  private constructor(log: Inbox<string>, folder: string, process: OwnedProcess) {
    this.log = log
    this.#folder = folder
    this.#process = process
  }

  static async start({
    name,
    port,
    nodes,
    certificates,
    changes = [],
    files = {}
  }: DebianProxyOptions): Promise<DebianProxy> {
    const program = PROGRAMS[name]
    const folder = await mkdtemp(join(tmpdir(), `${name}-`))
    const [cert, key] = await Promise.all([readFile(certificates.cert, 'utf8'), readFile(certificates.key, 'utf8')])
    await Promise.all([
      writeFile(join(folder, 'cert.pem'), cert),
      writeFile(join(folder, 'key.pem'), key),
      writeFile(join(folder, 'both.pem'), cert + key),
      ...Object.entries(files).map(([file, content]) => writeFile(join(folder, file), content))
    ])
    const sample = replaced(await sampleOf(name), [
      ['127.0.0.1:9091', `127.0.0.1:${nodes[0]}`],
      ['127.0.0.1:9092', `127.0.0.1:${nodes[1]}`],
      ...changes,
      ...program.changes(port, folder)
    ]).replaceAll('star.example.com', 'localhost')
    await writeFile(join(folder, program.file), program.around(sample, folder))
    const path = program.find()
    const log = new Inbox<string>()
    // Libraries that were unpacked beside a program are found by this.
    const libraries = join(path, '../../lib/x86_64-linux-gnu')
    const child = spawn(path, [...program.args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
        LD_LIBRARY_PATH: libraries
      },
      stdio: ['ignore', 'ignore', 'pipe']
    })
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
    const proxy = new DebianProxy(log, folder, new OwnedProcess(child, folder))
    await eventually(`${name} to listen`, async () => proxy.#process.isGone || (await isOpen(port)))
    if (proxy.#process.isGone) throw new Error(`${name} did not start: ${log.items.join('\n')}`)
    return proxy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process.isGone) await this.#process.kill('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** @returns the sample of the documentation */
async function sampleOf(name: ProxyName): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  const sample = new RegExp(`^\`\`\`${name}\\n(.*?)^\`\`\``, 'ms').exec(page)?.[1]
  if (sample === undefined) throw new Error(`docs/proxies.md has no sample for ${name}`)
  return sample
}
