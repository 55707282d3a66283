/** A star of one node, and one of two that share it through Redis. */
export type StarName = 'one' | 'two'

interface StarContender {
  title: string
  /** What its nodes are to a trial: of two, senders and diallers are at the first, those they talk to at the second. */
  nodes: readonly string[]
}

/** What is measured, in the order of rows. */
export const STARS: Readonly<Record<StarName, StarContender>> = {
  one: { title: 'one node', nodes: ['node A'] },
  two: { title: 'two nodes', nodes: ['node A', 'node B'] }
}

// The keys of the table are their names.
export const STAR_NAMES = Object.keys(STARS) as StarName[]
