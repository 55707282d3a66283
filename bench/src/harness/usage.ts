import type { Suite } from './suite.js'

/** Returns what `--help` prints. */
export function usageOf(suites: readonly Suite[]): string {
  const ofEach = (text: (suite: Suite) => string) => suites.map((suite) => `${INDENT}${suite.name}: ${text(suite)}`)
  return [
    ...suites.map(({ name }, index) => `${index === 0 ? 'Usage:' : '      '} npm run bench ${name} -- [options]`),
    '',
    ...suites.map(({ name, about }) => `${name} measures ${about}`),
    '',
    '  --runs N          interleaved runs, of which the median counts (default 5, of peers 3; 1 with --quick)',
    '  --seconds S       seconds each case is measured (default 2; 0.6 with --quick; of peers 30 and 10)',
    '  --only A,B        contenders',
    ...ofEach(({ contenders }) => Object.keys(contenders).join(', ')),
    '  --cases A,B       cases whose name contains one of these',
    ...ofEach(({ examples }) => examples),
    OTHER_OPTIONS
  ].join('\n')
}

const INDENT = ' '.repeat(20)
const OTHER_OPTIONS = `\
  --quick           briefly, once, and of relay a few cases only: about a minute, of peers two
  --long            relay: a million dials instead of a hundred thousand
  --json FILE       write every figure of every run
  --write           write the figures into docs/benchmarks.md, of relay and peers their charts too
  --profile         profile what is ours instead and print where its time goes
`
