/** Something to measure. Its kind names the function of the suite that measures it. */
export interface Case {
  kind: string
}

/** Something that is measured beside others. */
export interface Contender {
  title: string
  /** Returns the Node that load and contender need, if not any will do. */
  node?: () => Promise<string>
}

export interface Conditions {
  /** Seconds before the figures are taken, and while they are. */
  warmup: number
  seconds: number
  /** The folder that profiles of the processes are written to, if any are. */
  profiles?: string
}

/** One measurement: of a contender that was started for it, from a process that was started for it. */
export interface Trial<By> extends Conditions {
  contender: By
}

/** Measures a case with one contender; may throw {@link Skipped}. */
export type Measure<Of, By, Figures> = (of: Of, trial: Trial<By>) => Promise<Figures>

/** Functions by the kind of case that they measure. The members of what they return are numbers. */
export type Measures<By> = Readonly<Record<string, Measure<never, By, object>>>

/** Cases of a kind; of any, if none is named. */
export type CaseOf<All extends Measures<never>, Kind extends keyof All = keyof All> = Parameters<All[Kind]>[0]

export type FiguresOf<All extends Measures<never>, Kind extends keyof All> = Awaited<ReturnType<All[Kind]>>

/** A contender turned out not to be able to do what was to be measured; the message says why. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}
