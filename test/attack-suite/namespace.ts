import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

/** The server's address; everybody's is on the loopback device, outside of 127.0.0.0/8, which no limit per address concerns. */
export const SERVER_ADDRESS = '10.0.0.1'

/** Each of the server's well-behaved clients has an address of its own, as the operator has. */
export const WITNESS_ADDRESSES = Array.from({ length: 10 }, (_, index) => `10.2.0.${index + 1}`)
export const OPERATOR_ADDRESS = '10.3.0.1'

const INSIDE = 'ATTACK_NAMESPACE'

/** Returns the address of one attacker. */
export function attackerAddress(index: number): string {
  return `10.1.${Math.floor(index / 250)}.${(index % 250) + 1}`
}

/** Gives the loopback device its addresses, or runs this program again in a network namespace of its own, and ends. */
export async function enterNamespace(): Promise<void> {
  if (process.env[INSIDE] === undefined) {
    const flags = process.getuid?.() === 0 ? ['--net'] : ['--net', '--map-root-user']
    const child = spawn('unshare', [...flags, process.execPath, ...process.argv.slice(1)], {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: 'yes' }
    })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])
  }
  ip('link', 'set', 'lo', 'up')
  ip('address', 'add', `${SERVER_ADDRESS}/32`, 'dev', 'lo')
  for (const network of ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16']) ip('route', 'add', 'local', network, 'dev', 'lo')
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
