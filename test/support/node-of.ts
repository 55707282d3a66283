import { binaryFromNpm } from './npm-binary.js'

/**
 * A Node of another version than the one that runs the tests: from npm, fetched once.
 *
 * @returns the path of its binary
 * @throws if it cannot be fetched, or does not run here
 */
export async function nodeOf(major: number): Promise<string> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  return await binaryFromNpm(`node${major}`, { name, version: String(major), path: 'bin/node' })
}
