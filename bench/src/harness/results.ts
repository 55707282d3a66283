import { median } from '../report/percentile.js'
import type { Case, CaseOf, Contender, FiguresOf, Measures } from './measure.js'

/** A case, and the names of those it is measured with. */
export interface Entry {
  case: Case
  contenders: readonly string[]
  runs: number
}

/** The figures of all runs of one case, by contender. */
export interface Result {
  entry: Entry
  figures: Map<string, object[]>
  /** Why a contender has no figures, or fewer. */
  remarks: string[]
}

/** The medians of one case, by contender. */
export interface Medians<Name extends string, Of, Figures> {
  of: Of
  found: Map<Name, Figures>
}

/** The medians of one case and one contender. */
export interface Row<Name extends string, Of, Figures> {
  of: Of
  name: Name
  /** The contender's. */
  title: string
  found: Figures
}

/** The figures of a suite, as its tables and its chart ask for them. */
export class Results<Name extends string, All extends Measures<never>> {
  readonly #contenders: Readonly<Record<string, Contender>>
  readonly #results: readonly Result[]

  constructor(contenders: Readonly<Record<string, Contender>>, results: readonly Result[]) {
    this.#contenders = contenders
    this.#results = results
  }

  /** Returns the medians of all cases of a kind, in the order of the plan, without those that have none. */
  medians<Kind extends keyof All>(kind: Kind): Medians<Name, CaseOf<All, Kind>, FiguresOf<All, Kind>>[] {
    return this.#results
      .filter(({ entry, figures }) => entry.case.kind === kind && figures.size > 0)
      .map(({ entry, figures }) => ({
        // The suite planned this case and measured these figures, by its function of this kind.
        of: entry.case as unknown as CaseOf<All, Kind>,
        found: mediansOf(entry.contenders, figures) as Map<Name, FiguresOf<All, Kind>>
      }))
  }

  /** Returns the same as one row for each case and contender. */
  rows<Kind extends keyof All>(kind: Kind): Row<Name, CaseOf<All, Kind>, FiguresOf<All, Kind>>[] {
    return this.medians(kind).flatMap(({ of, found }) =>
      [...found].map(([name, figures]) => ({ of, name, title: this.#contenders[name]?.title ?? name, found: figures }))
    )
  }
}

function mediansOf(names: readonly string[], figures: ReadonlyMap<string, readonly object[]>): Map<string, object> {
  return new Map(
    names.flatMap((name) => {
      const runs = figures.get(name)
      return runs === undefined ? [] : [[name, medianOf(runs)] as const]
    })
  )
}

/** Returns the median of each figure. @param runs - objects of the same shape, all of whose members are numbers */
function medianOf(runs: readonly object[]): object {
  const keys = Object.keys(runs[0] ?? {})
  return Object.fromEntries(
    keys.map((key) => [key, median(runs.map((run) => (run as Record<string, number>)[key] ?? Number.NaN))]) // see above
  )
}
