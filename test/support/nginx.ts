import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually, Inbox } from '@websocket-star/testkit'
import { OwnedProcess, unpackedProgram } from '@websocket-star/testkit/processes'

const SAMPLE = new URL('../../examples/operator/nginx.conf', import.meta.url)

/** What each nginx.conf begins with; paths are relative to the folder it runs in. */
export const NGINX_BASE = `daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
`
const MAIN = `${NGINX_BASE}  include star.conf;
}
`

/** What a test puts in the place of a line of the sample, or of a part of it. */
export type Replacement = readonly [part: string, by: string]

export interface NginxOptions {
  /** Port of the server behind it, on the loopback interface. */
  readonly upstream: number
  /** Paths of PEM files; the certificate is for `localhost`. */
  readonly cert: string
  readonly key: string
  /** Port to listen on. */
  readonly port: number
  readonly replacements?: readonly Replacement[]
}

/** @throws if there is no nginx, and none to be had */
export function findNginx(): string {
  return unpackedProgram('nginx', { packageName: 'nginx', path: 'usr/sbin/nginx' })
}

/** A real nginx with the sample that operators get, changed in its name, ports and files. */
export class Nginx implements AsyncDisposable {
  /** What it logs. */
  readonly log = new Inbox<string>()
  readonly #folder: string
  readonly #process: OwnedProcess

  private constructor(child: ChildProcess, folder: string) {
    this.#folder = folder
    this.#process = new OwnedProcess(child, folder)
    if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => this.log.push(line))
  }

  static async start({ port, upstream, cert, key, replacements = [] }: NginxOptions): Promise<Nginx> {
    const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
    const config = replaced(await readFile(SAMPLE, 'utf8'), [
      ['star.example.com;', 'localhost;'],
      ['/etc/letsencrypt/live/star.example.com/fullchain.pem', cert],
      ['/etc/letsencrypt/live/star.example.com/privkey.pem', key],
      ['listen [::]:443', '# listen [::]:443'],
      ['listen 443', `listen 127.0.0.1:${port}`],
      ['127.0.0.1:9090;', `127.0.0.1:${upstream};`],
      ...replacements
    ])
    await writeFile(join(folder, 'nginx.conf'), MAIN)
    await writeFile(join(folder, 'star.conf'), config)
    const child = spawn(findNginx(), ['-p', `${folder}/`, '-e', 'stderr', '-c', 'nginx.conf'], {
      stdio: ['ignore', 'ignore', 'pipe']
    })
    const nginx = new Nginx(child, folder)
    await eventually(`nginx to listen: ${nginx.log.items.join('\n')}`, () => nginx.#process.isGone || isOpen(port))
    if (nginx.#process.isGone) throw new Error(`nginx did not start: ${nginx.log.items.join('\n')}`)
    return nginx
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process.isGone) await this.#process.kill('SIGTERM')
    await rm(this.#folder, { recursive: true })
  }
}

/** Returns a sample with changed parts. @throws if it lacks one of them */
export function replaced(sample: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((text, [part, by]) => {
    if (!text.includes(part)) throw new Error(`there is no "${part}" in the sample`)
    return text.replaceAll(part, by)
  }, sample)
}

/** Returns whether a program listens on a port of this machine. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
