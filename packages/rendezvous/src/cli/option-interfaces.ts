import { GROUPS, schemaNode, type SchemaNode } from './option-surface.js'

const WIDTH = 118

const UNITS: Readonly<Record<string, string>> = { ms: 'milliseconds', bytes: 'bytes', bits: 'bits' }

const HEADER = `// Generated from options.ts by \`npm run docs\`; do not edit.

`

/** Returns the text of `src/option-types.ts`. Editors do not show the descriptions in a zod schema. */
export function optionTypes(): string {
  const root = schemaNode()
  const objects = Object.entries(root.properties ?? {}).filter(([, node]) => node.properties !== undefined)
  const nested = objects.map(([name, node]) => interfaceOf(settingsName(name), node.description ?? '', node))
  return HEADER + [interfaceOf('ServerOptions', 'Options of a server.', root), ...nested, resolvedOf(root)].join('\n')
}

function resolvedOf(root: SchemaNode): string {
  const fields = Object.entries(root.properties ?? {})
  const nested = fields.filter(([, node]) => node.properties !== undefined)
  const optional = optionalFieldsOf(root)
  const special = [...optional, ...nested.map(([name]) => name)]
  const lines = nested.map(
    ([name, node]) => `  ${name}: ${resolvedTypeOf(settingsName(name), optionalFieldsOf(node))}\n`
  )
  return `/** Options of a server with every default applied. */
export interface ResolvedOptions
  extends
    Required<
      Omit<
        ServerOptions,
${special.map((name) => `        | '${name}'\n`).join('')}      >
    >,
    Pick<ServerOptions, ${literalsOf(optional)}> {
${lines.join('')}}
`
}

function resolvedTypeOf(name: string, optional: readonly string[]): string {
  if (optional.length === 0) return `Required<${name}>`
  return `Required<Omit<${name}, ${literalsOf(optional)}>> & Pick<${name}, ${literalsOf(optional)}>`
}

function optionalFieldsOf({ properties = {} }: SchemaNode): string[] {
  return Object.keys(properties).filter((name) => properties[name]?.default === undefined)
}

function literalsOf(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(' | ')
}

function settingsName(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Settings`
}

function interfaceOf(name: string, description: string, node: SchemaNode): string {
  const fields = byGroup(Object.entries(node.properties ?? {})).map(([field, child]) => fieldOf(field, child))
  return `${commentOf([description], '')}export interface ${name} {\n${fields.join('')}}\n`
}

function byGroup(fields: [string, SchemaNode][]): [string, SchemaNode][] {
  const rank = ({ group }: SchemaNode) => Object.keys(GROUPS).indexOf(group ?? 'listening')
  return fields.toSorted(([, one], [, other]) => rank(one) - rank(other))
}

function fieldOf(name: string, node: SchemaNode): string {
  const lines = [sentencesOf(node)]
  if (node.default !== undefined && node.properties === undefined) lines.push('', `@default ${literalOf(node.default)}`)
  const type = node.properties === undefined ? typeOf(node) : settingsName(name)
  return `${commentOf(lines, '  ')}  ${name}?: ${type}\n`
}

/** Returns the description with its unit, then the details, as sentences. */
function sentencesOf({ description = '', details, value = '' }: SchemaNode): string {
  const unit = UNITS[value]
  const sentences = [
    description.replace(/\.?$/, '.'),
    unit === undefined || description.toLowerCase().includes(unit) ? '' : `In ${unit}.`,
    details ?? ''
  ]
  return sentences.filter((sentence) => sentence !== '').join(' ')
}

function typeOf({ enum: choices, type }: SchemaNode): string {
  if (choices !== undefined) return choices.map((choice) => `'${choice}'`).join(' | ')
  if (type === 'integer') return 'number'
  return type === 'array' ? 'string[]' : (type ?? 'unknown')
}

function literalOf(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value !== 'number' || value < 10_000) return JSON.stringify(value)
  return value.toLocaleString('en').replaceAll(',', '_')
}

function commentOf(lines: readonly string[], indent: string): string {
  const wrapped = lines.flatMap((line) => wrap(line, WIDTH - indent.length - ' * '.length))
  if (wrapped.length === 1) return `${indent}/** ${wrapped[0]} */\n`
  return [`${indent}/**`, ...wrapped.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */\n`].join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
