const NEWLINE = 0x0a
const LONGEST = 4096

/** Reads the first line; `rest` yields the bytes after it. */
export async function readLine(readable) {
  const chunks = readable[Symbol.asyncIterator]()
  let line = Buffer.alloc(0)
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) throw new Error('The stream ended before its first line')
    const end = value.indexOf(NEWLINE)
    line = Buffer.concat([line, end < 0 ? value : value.subarray(0, end)])
    if (line.length > LONGEST) throw new Error(`The first line is longer than ${LONGEST} bytes`)
    if (end >= 0) return { value: line.toString(), rest: rest(value.subarray(end + 1), chunks) }
  }
}

async function* rest(first, chunks) {
  if (first.length > 0) yield first
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) return
    yield value
  }
}

export async function writeLine(writable, text, { preventClose = false } = {}) {
  const writer = writable.getWriter()
  await writer.write(new TextEncoder().encode(`${text}\n`))
  if (preventClose) writer.releaseLock()
  else await writer.close()
}
