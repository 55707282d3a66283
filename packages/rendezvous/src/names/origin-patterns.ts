import { InvalidOptionsError } from '../options.js'

/** Admits the pages of the server itself only. */
const SELF = 'self'
/** Admits every page. */
const ANY = '*'
/** The origin that browsers send for sandboxed frames and for pages in files. */
const HIDDEN = 'null'

export interface ParsedOrigins {
  /** @param origin - as a browser sends it */
  matches(origin: string): boolean
  isOpen: boolean
  hasSelf: boolean
}

/**
 * Parses the option `allowedOrigins`. Spellings make no difference: capitals, a slash at the end, the default port.
 *
 * @throws {InvalidOptionsError} for a text that no browser sends; the message has the right spelling
 */
export function parseOrigins(listed: readonly string[]): ParsedOrigins {
  const exact = new Set<string>()
  const patterns: RegExp[] = []
  for (const text of listed) {
    const trimmed = text.trim()
    if (trimmed === SELF || trimmed === ANY) continue
    const origin = trimmed === HIDDEN ? HIDDEN : normalized(text, trimmed)
    if (origin.includes('*')) patterns.push(patternOf(origin))
    else exact.add(origin)
  }
  return {
    matches: (origin) => exact.has(origin) || patterns.some((pattern) => pattern.test(origin)),
    isOpen: listed.length === 0 || listed.some((text) => text.trim() === ANY),
    hasSelf: listed.some((text) => text.trim() === SELF)
  }
}

/** Returns an origin, or a pattern, in the spelling of browsers. */
function normalized(text: string, trimmed: string): string {
  if (trimmed === '') {
    throw invalid(
      `${JSON.stringify(text)} names no origin: leave it out, or write * for every page and self for this server's own`
    )
  }
  const unquoted = trimmed.replace(/^(["'])(.*)\1$/, '$2')
  if (unquoted !== trimmed) throw invalid(`${JSON.stringify(text)} has quotes: write ${unquoted}`)
  if (/[\s,]/.test(trimmed)) throw invalid(`${JSON.stringify(text)} is not one origin: give the option once for each`)
  const lower = trimmed.toLowerCase()
  if (lower === SELF || lower === HIDDEN) throw invalid(`${JSON.stringify(text)}: write ${lower}`)
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/.exec(lower) ?? []
  if (scheme === undefined)
    throw invalid(`${JSON.stringify(text)} has no scheme: write https://${lower}, or http://${lower}`)
  if (scheme === 'ws' || scheme === 'wss') {
    const page = `${scheme === 'wss' ? 'https' : 'http'}://${rest}`
    throw invalid(`${JSON.stringify(text)} is the address of a server: write the origin of the page, such as ${page}`)
  }
  if (scheme === 'file') throw invalid(`${JSON.stringify(text)}: browsers send null for pages in files; write null`)
  const [, host = '', tail = ''] = /^([^/?#]*)(.*)$/.exec(rest) ?? []
  if (host === '') throw invalid(`${JSON.stringify(text)} has no host: write it as in https://app.example`)
  if (tail !== '' && tail !== '/')
    throw invalid(`${JSON.stringify(text)} has a path, but origins have none: write ${scheme}://${host}`)
  if (host.includes('@')) {
    throw invalid(
      `${JSON.stringify(text)} has a user name, but origins have none: write ${scheme}://${host.replace(/^.*@/, '')}`
    )
  }
  // Other schemes, such as capacitor://localhost, are compared as they are.
  if (scheme !== 'http' && scheme !== 'https') return `${scheme}://${host}`
  return `${scheme}://${host.includes('*') ? normalizedPattern(text, scheme, host) : hostOf(text, scheme, host)}`
}

/** Normalizes what does not vary in a pattern. */
function normalizedPattern(text: string, scheme: string, host: string): string {
  const [, start = '', name = '', port = ''] = /^(\*\.)?(.*?)(:\*)?$/.exec(host) ?? []
  if (name === ANY) return host
  if (name === '' || name.includes('*')) {
    throw invalid(
      `${JSON.stringify(text)}: a * stands for whole labels at the beginning or for the port; write ${scheme}://*.app.example, ${scheme}://app.example:*, or list the origins`
    )
  }
  return start + hostOf(text, scheme, name) + port
}

function hostOf(text: string, scheme: string, host: string): string {
  try {
    return new URL(`${scheme}://${host}`).host
  } catch (cause) {
    throw invalid(`${JSON.stringify(text)} has no valid host: write an origin such as https://app.example`, cause)
  }
}

/** `*.` stands for one label or more, `*` alone for every host, and `:*` for every port. */
function patternOf(origin: string): RegExp {
  const source = origin
    .replaceAll(/[.[\]+]/g, '\\$&')
    .replace(/:\*$/, '(?::\\d+)?')
    .replace('//*\\.', '//(?:[^./:]+\\.)+')
    .replace(/\/\/\*/, '//(?:\\[[^\\]/]+\\]|[^/:]+)')
  return new RegExp(`^${source}$`)
}

function invalid(message: string, cause?: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: ['allowedOrigins'], message }], { cause })
}
