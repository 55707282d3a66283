import { installPackages } from '../support/debian.js'
import { debianPackages, howToInstall, missingBrowsers } from './support/executables.js'

/** Sees to it, before the first of these tests, that the browsers are there. */
export default function install(): void {
  const missing = missingBrowsers()
  if (missing.length === 0) return
  installPackages(debianPackages(missing))
  const stillMissing = missingBrowsers()
  if (stillMissing.length > 0) throw new Error(howToInstall(stillMissing))
}
