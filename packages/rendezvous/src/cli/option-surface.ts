import { z } from 'zod'
import { optionsSchema } from '../options.js'

/** How one option of the schema is given on the command line, in the environment and in a file. */
export interface OptionSurface {
  /** Where it stands in the options and in a configuration file, such as `['discovery', 'interval']`. */
  path: readonly string[]
  kind: 'number' | 'string' | 'list' | 'switch'
  /** Long flag without the dashes; of an option that is on by default, the flag that turns it off. */
  flag: string
  short: string | undefined
  env: string
  /** What is given, in a word; `number` or `text` if the schema names nothing better. */
  value: string
  /** What the option does; of a switch, what its flag does. */
  description: string
  /** What may be given, in words. */
  allowed: string
  default: unknown
}

/** The part of JSON Schema that zod writes for our options. */
interface SchemaNode {
  type?: string
  properties?: Record<string, SchemaNode>
  minimum?: number
  minLength?: number
  maximum?: number
  enum?: readonly string[]
  default?: unknown
  description?: string
  value?: string
  allowed?: string
  off?: string
  flag?: string
  short?: string
  env?: string
}

/** Options that hold a secret; the URL of Redis may, and in a malformed one no password can be recognised. */
const SECRETS: ReadonlySet<string> = new Set(['passphrase', 'adminToken', 'redis'])

const ENV_PREFIX = 'WEBSOCKET_STAR_'

/** Every option, in the order of the schema. */
export function optionSurfaces(): OptionSurface[] {
  // zod types the schema it makes as any JSON Schema; ours uses the part described above.
  return [...walk(z.toJSONSchema(optionsSchema, { io: 'input' }) as SchemaNode, [])]
}

/** Options whose values are shown to nobody. */
export function isSecret({ path }: Pick<OptionSurface, 'path'>): boolean {
  return SECRETS.has(path.join('.'))
}

/** `joinList` → `join-list` */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function* walk(node: SchemaNode, path: readonly string[]): Iterable<OptionSurface> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (child.properties === undefined) yield surfaceOf(child, [...path, name])
    else yield* walk(child, [...path, name])
  }
}

function surfaceOf(node: SchemaNode, path: readonly string[]): OptionSurface {
  const kind = kindOf(node)
  const words = path.map(kebabCase).join('-')
  const flag = node.flag ?? (kind === 'switch' ? `disable-${words}` : words)
  return {
    path,
    kind,
    flag,
    short: node.short,
    env: node.env ?? ENV_PREFIX + flag.replaceAll('-', '_').toUpperCase(),
    value: node.value ?? (kind === 'number' ? 'number' : 'text'),
    description: node.off ?? node.description ?? '',
    allowed: node.allowed ?? allowedOf(node),
    default: node.default
  }
}

function kindOf(node: SchemaNode): OptionSurface['kind'] {
  switch (node.type) {
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'switch'
    case 'array':
      return 'list'
    default:
      return 'string'
  }
}

function allowedOf(node: SchemaNode): string {
  if (node.enum !== undefined) return `one of ${node.enum.join(', ')}`
  switch (node.type) {
    case 'integer': {
      const from = Math.max(node.minimum ?? 0, 0)
      return node.maximum === undefined || node.maximum === Number.MAX_SAFE_INTEGER
        ? `a whole number from ${from}`
        : `a whole number from ${from} to ${node.maximum}`
    }
    case 'number':
      return `a number from ${node.minimum} to ${node.maximum}`
    case 'boolean':
      return 'no value'
    case 'array':
      return 'text; may be given several times'
    default:
      return node.minLength === undefined ? 'text' : 'text that is not empty'
  }
}
