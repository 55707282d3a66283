import { Transform } from 'node:stream'

const WIDTH = 30
const REDRAW_MS = 100
const MB = 1e6

/** Passes bytes on, adds them to a hash, and shows the progress on the terminal. */
export function showProgress(name, size, hash) {
  const begin = performance.now()
  let bytes = 0
  let drawn = 0
  const draw = () => {
    const now = performance.now()
    const rate = bytes / Math.max(1, now - begin) // bytes per millisecond
    const share = size === 0 ? 1 : bytes / size
    const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '░')
    const left = Math.ceil((size - bytes) / Math.max(rate, 1e-9) / 1000)
    const text = `${name} ${bar} ${(share * 100).toFixed(0)} % ${((rate * 1000) / MB).toFixed(1)} MB/s ${left} s left`
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
    drawn = now
  }
  return new Transform({
    transform(chunk, _encoding, done) {
      bytes += chunk.length
      hash.update(chunk)
      if (performance.now() - drawn > REDRAW_MS) draw()
      done(null, chunk)
    },
    flush(done) {
      draw()
      if (process.stderr.isTTY) process.stderr.write('\n')
      done()
    }
  })
}
