import { kebabCase, type OptionSurface } from './option-surface.js'

/** Rewrites camel case, `-h ADDRESS`, `-p=PORT` and switches with a value, all of which the old server accepted. */
export function withoutOldSpellings(
  args: readonly string[],
  surfaces: readonly OptionSurface[],
  warnings: string[]
): string[] {
  const valued = new Set([
    '--config',
    '-p',
    ...surfaces.flatMap(({ kind, flag }) => (kind === 'switch' ? [] : `--${flag}`))
  ])
  const switches = new Set(surfaces.flatMap(({ kind, flag }) => (kind === 'switch' ? `--${flag}` : [])))
  const result: string[] = []
  let isValue = false
  for (const [index, arg] of args.entries()) {
    if (isValue) {
      result.push(arg)
      isValue = false
      continue
    }
    const short = /^-([hp])=?(.+)$/s.exec(arg)
    const [name = '', ...value] = arg.startsWith('--') ? arg.split('=') : []
    const flag = kebabCase(name)
    const next = args[index + 1]
    if (arg === '-h' && next !== undefined && !next.startsWith('-')) {
      warnings.push(`-h ${next} is read as --host ${next}; write --host`)
      result.push('--host')
    } else if (short?.[1] === 'h') {
      warnings.push(`${arg} is read as --host ${short[2]}; write --host`)
      result.push('--host', short[2] ?? '')
    } else if (short?.[1] === 'p') {
      result.push('--port', short[2] ?? '')
    } else if (switches.has(flag) && value.length > 0) {
      // The old server did not read the value of a switch.
      if (value[0] !== 'true') warnings.push(`${arg} is read as ${flag}`)
      result.push(flag)
    } else if (/^--[a-z]+[A-Z]/.test(name)) {
      result.push([flag, ...value].join('='))
    } else {
      result.push(arg)
    }
    isValue = valued.has(result.at(-1) ?? '')
  }
  return result
}
