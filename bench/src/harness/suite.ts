import type { Case, CaseOf, Contender, Measure, Measures } from './measure.js'
import type { Defaults } from './options.js'
import type { Results } from './results.js'

/** How much is measured. */
export interface Scale {
  quick: boolean
  long: boolean
}

/** A case, and those it is measured with. */
export interface Planned<Name extends string, Of> {
  case: Of
  contenders: readonly Name[]
  /** The most runs, of cases that are long and vary little. */
  runs?: number
}

/** What can be profiled. */
interface Profiled<Name extends string, Of> {
  cases: readonly Of[]
  /** Unless `--only` names another one. */
  contender: Name
  /** Returns the processes of a trial that are looked at. */
  roles(contender: Name): readonly string[]
}

/** One benchmark of the command line. */
export interface SuiteOf<Name extends string, By extends Contender, All extends Measures<By>> {
  name: string
  /** One line for `--help`, after the name. */
  about: string
  /** Names of cases for `--help`. */
  examples: string
  /** In the order of rows and columns. */
  contenders: Readonly<Record<Name, By>>
  measures: All
  /** Returns a name that is unique in the suite. */
  nameOf(of: CaseOf<All>): string
  plan(scale: Scale): readonly Planned<Name, CaseOf<All>>[]
  /** Returns markdown, a section per question; empty where there are no figures. */
  tables(results: Results<Name, All>): readonly string[]
  /** Returns an SVG for the documentation, unless there is nothing to draw. */
  chart?(results: Results<Name, All>): string | undefined
  profiled: Profiled<Name, CaseOf<All>>
  defaults?: Defaults
  /** Whether `--long` means something here. */
  hasLong?: boolean
  /** Returns the Node that all of the suite needs, if not any will do. */
  node?(): Promise<string>
  /** Returns a line above the tables. @throws {UsageError} if something is missing that is needed */
  preface?(): Promise<string>
  /** Returns the milliseconds that a case may take beyond those of any case. */
  extraTime?(of: CaseOf<All>): number
}

/** A suite, whatever it measures. */
export type Suite = SuiteOf<string, Contender, Readonly<Record<string, Measure<Case, Contender, object>>>>

export function defineSuite<Name extends string, By extends Contender, All extends Measures<By>>(
  suite: SuiteOf<Name, By, All>
): Suite {
  // The harness gives a suite nothing but the cases, contenders and figures that came from it.
  return suite as unknown as Suite
}
