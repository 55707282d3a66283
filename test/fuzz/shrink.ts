/** Whether something still fails that has been made smaller. */
export type Fails<T> = (smaller: T) => Promise<boolean>

/**
 * Makes a list that fails as short as it can be: no item of it can go. Halves are tried first, then quarters, and so on
 * (Zeller's delta debugging).
 */
export async function shrinkList<T>(items: readonly T[], fails: Fails<readonly T[]>): Promise<readonly T[]> {
  let smallest = items
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length;) {
      const smaller = [...smallest.slice(0, at), ...smallest.slice(at + size)]
      if (await fails(smaller)) smallest = smaller
      else at += size
    }
  }
  return smallest
}

/** The same of a text. */
export async function shrinkText(text: string, fails: Fails<string>): Promise<string> {
  return (await shrinkList([...text], async (characters) => await fails(characters.join('')))).join('')
}
