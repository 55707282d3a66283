import { z } from 'zod'
import { optionsSchema } from '../options.js'

export const GROUPS = {
  listening: 'Listening',
  tls: 'TLS',
  access: 'Who may use it',
  limits: 'Limits',
  cluster: 'Cluster',
  pages: 'Pages',
  logging: 'Logging',
  discovery: 'Discovery',
  joining: 'Joining and dialling',
  relaying: 'Relaying',
  heartbeat: 'Heartbeat'
} as const

export type Group = keyof typeof GROUPS

/** One option as flag, environment variable and key of a configuration file. */
export interface OptionSurface {
  /** Position in the options, such as `['discovery', 'interval']`. */
  path: readonly string[]
  kind: 'number' | 'string' | 'list' | 'switch'
  group: Group
  /** Listed by `--help`. */
  isEssential: boolean
  /** Long flag without the dashes. */
  flag: string
  short: string | undefined
  env: string
  placeholder: string
  /** For a switch, the effect of its flag, which turns it off. */
  description: string
  details: string
  allowed: string
  commandLineDefault: unknown
  libraryDefault: unknown
}

/** The parts of JSON Schema that zod writes for our options, and the `meta` fields of `optionsSchema`. */
export interface SchemaNode {
  type?: string
  properties?: Record<string, SchemaNode>
  minimum?: number
  minLength?: number
  maximum?: number
  enum?: readonly string[]
  default?: unknown
  description?: string
  details?: string
  group?: Group
  essential?: boolean
  value?: string
  allowed?: string
  off?: string
  flag?: string
  short?: string
  env?: string
  commandLineDefault?: unknown
}

/** Options whose values are never printed. The password in a malformed Redis URL cannot be located. */
const SECRETS: ReadonlySet<string> = new Set(['passphrase', 'adminToken', 'redis'])

const ENV_PREFIX = 'WEBSOCKET_STAR_'

export function schemaNode(): SchemaNode {
  // zod's return type covers any JSON Schema; ours uses the part described above.
  return z.toJSONSchema(optionsSchema, { io: 'input' }) as SchemaNode
}

export function optionSurfaces(): OptionSurface[] {
  const surfaces = [...walk(schemaNode(), [], undefined)]
  return Object.keys(GROUPS).flatMap((group) => surfaces.filter((surface) => surface.group === group))
}

export function isSecret({ path }: Pick<OptionSurface, 'path'>): boolean {
  return SECRETS.has(path.join('.'))
}

/** `maxSessions` → `max-sessions` */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function* walk(node: SchemaNode, path: readonly string[], inherited: Group | undefined): Iterable<OptionSurface> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const group = child.group ?? inherited
    if (child.properties !== undefined) yield* walk(child, [...path, name], group)
    else if (group !== undefined) yield surfaceOf(child, [...path, name], group)
    else throw new Error(`options.ts: give ${[...path, name].join('.')} a group`)
  }
}

function surfaceOf(node: SchemaNode, path: readonly string[], group: Group): OptionSurface {
  const kind = kindOf(node)
  const words = path.map(kebabCase).join('-')
  const flag = node.flag ?? (kind === 'switch' ? `disable-${words}` : words)
  return {
    path,
    kind,
    group,
    isEssential: node.essential === true,
    flag,
    short: node.short,
    env: node.env ?? ENV_PREFIX + flag.replaceAll('-', '_').toUpperCase(),
    placeholder: node.value ?? (kind === 'number' ? 'number' : 'text'),
    description: node.off ?? node.description ?? '',
    details: node.details ?? '',
    allowed: node.allowed ?? allowedOf(node),
    commandLineDefault: node.commandLineDefault ?? node.default,
    libraryDefault: node.default
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
