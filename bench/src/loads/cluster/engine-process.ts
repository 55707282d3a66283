/** Keeps a redis-server for a trial, and ends it with itself: the trial may be killed. */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { serve, setupOf } from '../../processes/serve.js'

export interface EngineSetup {
  port: number
}

export interface EngineReport {
  /** User and system time, in microseconds, by its own account. */
  cpu: number
  /** Bytes it has allocated now, and at most so far. */
  memory: number
  peakMemory: number
}

const MICROSECONDS = 1e6

const { port } = setupOf<EngineSetup>()
const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
const engine = spawn('redis-server', flags, { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'inherit'] })
process.on('exit', () => engine.kill('SIGKILL'))
const said: string[] = []
engine.once('error', (cause) => {
  throw new Error('redis-server cannot be run: on Debian it is in the package redis-server', { cause })
})
engine.once('exit', (code, signal) => {
  throw new Error(`redis-server ended by itself (${signal ?? code}):\n${said.join('\n')}`)
})
for await (const line of createInterface(engine.stdout)) {
  said.push(line)
  if (line.includes('Ready to accept connections')) break
}
engine.stdout.resume()

const commands = {
  report: async (): Promise<EngineReport> => {
    const text = await info()
    const figure = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN)
    return {
      cpu: (figure('used_cpu_user') + figure('used_cpu_sys')) * MICROSECONDS,
      memory: figure('used_memory'),
      peakMemory: figure('used_memory_peak')
    }
  }
}

export type EngineProcess = typeof commands

serve(commands)

/** What it tells of its memory and CPU, `name:value` a line. */
async function info(): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port }).setEncoding('utf8')
  socket.write('INFO memory cpu\r\nQUIT\r\n')
  let text = ''
  for await (const part of socket) text += String(part)
  return text
}
