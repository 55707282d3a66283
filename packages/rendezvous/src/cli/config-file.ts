import { readFileSync } from 'node:fs'
import {
  findNodeAtLocation,
  getLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError
} from 'jsonc-parser'
import type { OptionSurface } from './option-surface.js'
import { UsageError } from './usage-error.js'

/** A key that is safe to print: one with other characters may be a misplaced secret. */
const PLAIN_KEY = /^\w[\w.-]{0,63}$/

/** The JSON file of `--config`. Its values are never quoted: one of them may be a secret. */
export class ConfigFile {
  readonly content: Readonly<Record<string, unknown>>
  readonly #path: string
  readonly #text: string
  readonly #root: Node

  private constructor(path: string, text: string, root: Node) {
    this.#path = path
    this.#text = text
    this.#root = root
    this.content = getNodeValue(root) as Record<string, unknown> // `read` checks that the root is an object
  }

  /** @throws {UsageError} with the line and the key of a syntax error */
  static read(path: string, surfaces: readonly OptionSurface[]): ConfigFile {
    const text = contentOf(path)
    const errors: ParseError[] = []
    const root = parseTree(text, errors, { disallowComments: true })
    const [error] = errors
    if (error !== undefined) throw new UsageError(`--config ${path}:${syntaxErrorText(text, error, surfaces)}`)
    if (root?.type !== 'object') throw new UsageError(`--config ${path}: expected a JSON object with options`)
    return new ConfigFile(path, text, root)
  }

  valueAt(path: readonly string[]): unknown {
    let value: unknown = this.content
    for (const name of path) {
      if (typeof value !== 'object' || value === null) return undefined
      value = (value as Record<string, unknown>)[name] // an object, as was just checked
    }
    return value
  }

  /** Returns file, line and key of an option, such as `star.json:3: limits.sessionsPerIp`. */
  describe(path: readonly string[]): string {
    const node = findNodeAtLocation(
      this.#root,
      path.map((name) => (/^\d+$/.test(name) ? Number(name) : name))
    )
    const property = node?.parent?.type === 'property' ? node.parent : node
    const line = property === undefined ? '' : `:${lineOf(this.#text, property.offset)}`
    return `${this.#path}${line}: ${path.map((name) => (PLAIN_KEY.test(name) ? name : '…')).join('.')}`
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--config ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error
    })
  }
}

/** Returns such as `3: port: not valid JSON: comma expected`; the key only if it is an option's. */
function syntaxErrorText(text: string, { error, offset }: ParseError, surfaces: readonly OptionSurface[]): string {
  const { path } = getLocation(text, offset)
  const isOption =
    path.length > 0 && surfaces.some((surface) => path.every((name, depth) => name === surface.path[depth]))
  const reason = printParseErrorCode(error).replace(/(?<=.)[A-Z]/g, (letter) => ` ${letter}`)
  return `${lineOf(text, offset)}: ${isOption ? `${path.join('.')}: ` : ''}not valid JSON: ${reason.toLowerCase()}`
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
