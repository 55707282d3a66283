import type { Case, FiguresOf, RelayResult } from '../cases.js'
import { median } from '../load/percentile.js'
import type { ContenderName } from '../servers/contenders.js'

/** The medians of one case, by contender. */
export interface Row<Kind extends Case['kind']> {
  case: Case & { kind: Kind }
  of: Map<ContenderName, FiguresOf[Kind]>
}

/** The medians of all cases of one kind, those without any left out. */
export function rowsOf<Kind extends Case['kind']>(results: readonly RelayResult[], kind: Kind): Row<Kind>[] {
  return results
    .filter(({ entry, figures }) => entry.case.kind === kind && figures.size > 0)
    .map(({ entry, figures }) => ({
      // The figures are of the kind their case is.
      case: entry.case as Case & { kind: Kind },
      of: new Map([...figures].map(([name, runs]) => [name, medians(runs) as FiguresOf[Kind]]))
    }))
}

/** The medians of each contender that has any, in the order of `names`. */
export function mediansOf<Name extends string, Figures extends object>(
  names: readonly Name[],
  figures: ReadonlyMap<Name, readonly object[]>
): Map<Name, Figures> {
  return new Map(
    names.flatMap((name) => {
      const runs = figures.get(name) as Figures[] | undefined // of the kind that the case is
      return runs === undefined ? [] : [[name, medians(runs)] as const]
    })
  )
}

/** Each figure's own median. @param runs - objects of the same shape, all of whose members are numbers */
function medians<Figures extends object>(runs: readonly Figures[]): Figures {
  const [first] = runs
  const entries = Object.keys(first ?? {}).map((key) => [
    key,
    median(runs.map((run) => (run as Record<string, number>)[key] ?? Number.NaN)) // all figures are numbers
  ])
  return Object.fromEntries(entries) as Figures // of the same shape as each run's
}
