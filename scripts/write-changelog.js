// Moves the texts of the changesets into CHANGELOG.md, under the version they make. `npm run version` runs it before
// changesets deletes them.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import getReleasePlan from '@changesets/get-release-plan'

const FILE = new URL('../CHANGELOG.md', import.meta.url)
const TITLE = '# Changelog\n'
const UNRELEASED = '\n## Unreleased\n\n'

const { changesets, releases } = await getReleasePlan(fileURLToPath(new URL('..', import.meta.url)))
// All packages have one version.
const version = releases[0]?.newVersion
if (version !== undefined) {
  const entries = changesets.map(({ summary }) => `- ${summary.trim().replaceAll('\n', '\n  ')}\n`).join('')
  const section = `\n## ${version}\n\n${entries}`
  const text = readFileSync(FILE, 'utf8')
  writeFileSync(
    FILE,
    text.includes(UNRELEASED) ? text.replace(UNRELEASED, () => section) : text.replace(TITLE, () => TITLE + section)
  )
}
