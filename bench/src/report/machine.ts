import { cpus } from 'node:os'
import { hasBufferutil } from '../contenders/servers/commands.js'

/**
 * Says where and how figures were taken: for programs, and as `text` for people.
 *
 * @param bench - its name on the command line, and what followed
 * @param node - the version of the one that was measured
 */
export function machineOf(bench: string, args: readonly string[], node: string) {
  // Where figures go says nothing about how they were taken.
  const flags = args.filter((arg, index) => arg !== '--write' && arg !== '--json' && args[index - 1] !== '--json')
  const command = [`npm run bench ${bench}`, ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ')
  const date = new Date().toISOString().slice(0, 10)
  const cores = cpus()
  const cpu = cores[0]?.model.trim() ?? 'unknown CPU'
  const bufferutil = hasBufferutil()
  const text = `\`${command}\`, ${date}, ${cpu} with ${cores.length} cores, Node ${node}, ${bufferutil ? 'with' : 'without'} bufferutil`
  return { command, date, cpu, cores: cores.length, node, bufferutil, text }
}
