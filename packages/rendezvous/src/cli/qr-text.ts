import { generate } from 'lean-qr'

/** Modules of light around it: cameras need four, and a terminal's own background may be dark. */
const QUIET_ZONE = 2
const DARK_ON_LIGHT = '\u001B[38;5;16;48;5;231m'
const RESET = '\u001B[0m'

/**
 * A QR code made of half blocks: two rows of modules in one of text.
 *
 * @param isTerminal - sets the colours, so that it is dark on light in dark terminals too; without, light is drawn
 */
export function qrText(text: string, isTerminal: boolean): string {
  const code = generate(text)
  const lines: string[] = []
  for (let y = -QUIET_ZONE; y < code.size + QUIET_ZONE; y += 2) {
    let line = ''
    for (let x = -QUIET_ZONE; x < code.size + QUIET_ZONE; x++) {
      const [upper, lower] = [code.get(x, y), code.get(x, y + 1)].map((isDark) => Boolean(isDark) === isTerminal)
      line += upper === true ? (lower === true ? '█' : '▀') : lower === true ? '▄' : ' '
    }
    lines.push(isTerminal ? `${DARK_ON_LIGHT}${line}${RESET}` : line)
  }
  return lines.join('\n')
}
