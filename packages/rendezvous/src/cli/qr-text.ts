import { generate } from 'lean-qr'

/** Light modules around the code, since the terminal's background may be dark. */
const QUIET_ZONE = 2
const DARK_ON_LIGHT = '\u001B[38;5;16;48;5;231m'
const RESET = '\u001B[0m'

/** Draws two rows of modules per line: on a terminal, which gets colours, the dark ones, otherwise the light ones. */
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
