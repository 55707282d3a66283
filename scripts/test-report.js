import { relative } from 'node:path'

const SLOWEST = 10

/** What vitest prints at the end of a run: the slowest files, and in the last line the number of tests. */
export default class TestReport {
  /**
   * @param {readonly import('vitest/node').TestModule[]} files
   * @param {readonly unknown[]} strayErrors - errors that belong to no test; each counts as a failure
   */
  onTestRunEnd(files, strayErrors) {
    const counts = { passed: 0, failed: strayErrors.length, skipped: 0 }
    for (const file of files) {
      counts.failed += file.errors().length
      for (const suite of file.children.allSuites()) counts.failed += suite.errors().length
      for (const test of file.children.allTests()) {
        const { state } = test.result()
        counts[state in counts ? state : 'failed'] += 1
      }
    }
    console.log(`\nSlowest files, in seconds:\n${slowest(files).join('\n')}\n`)
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  }
}

function slowest(files) {
  return files
    .map((file) => ({ path: relative('', file.moduleId), seconds: secondsOf(file) }))
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, SLOWEST)
    .map(({ path, seconds }) => `${seconds.toFixed(1).padStart(7)}  ${path}`)
}

/** Returns the time a file took, its imports included. */
function secondsOf(file) {
  const { collectDuration, duration } = file.diagnostic()
  return (collectDuration + duration) / 1000
}
