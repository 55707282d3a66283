/** @param sorted - ascending; @param share - 0.5 for the median */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))
  return sorted[index] ?? Number.NaN
}

export function median(values: Iterable<number>): number {
  return percentile(ascending(values), 0.5)
}

export function ascending(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).toSorted()
}
