/** Returns at most `max` UTF-16 units of a text. It never splits a surrogate pair, which UTF-8 could not encode. */
export function excerpt(text: string, max: number): string {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  const splitsPair = last >= 0xd800 && last <= 0xdbff
  return text.slice(0, splitsPair ? max - 1 : max)
}

/** Returns an excerpt for error messages: quoted, on one line, with `…` if it was cut. */
export function quoted(text: string, max = 80): string {
  const quotedText = JSON.stringify(excerpt(text, max))
  return text.length > max ? `${quotedText}…` : quotedText
}

/** Describes the type of a value, without the value itself, which may be of any size and depth. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  const type = typeof value
  return type === 'object' ? 'an object' : `a ${type}`
}
