/**
 * The beginning of a text of unknown length: at most `max` UTF-16 units, and never half of a surrogate pair, which
 * would turn into U+FFFD on its way through UTF-8.
 */
export function excerpt(text: string, max: number): string {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  const splitsPair = last >= 0xd800 && last <= 0xdbff
  return text.slice(0, splitsPair ? max - 1 : max)
}

/** The same for error messages: quoted, control characters escaped so that a log line stays one line, `…` when cut. */
export function quoted(text: string, max = 80): string {
  const quotedText = JSON.stringify(excerpt(text, max))
  return text.length > max ? `${quotedText}…` : quotedText
}

/** What kind of value this is, in words. Never shows the value itself, which may be of any size and depth. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  const type = typeof value
  return type === 'object' ? 'an object' : `a ${type}`
}
