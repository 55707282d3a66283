import { debianPackages, howToInstall, missingBrowsers } from '@websocket-star/testkit/browsers'
import { installPackages } from '@websocket-star/testkit/processes'

/** Sees to it, before the first of these tests, that the browsers are there. */
export default function install(): void {
  const missing = missingBrowsers()
  if (missing.length === 0) return
  installPackages(debianPackages(missing))
  const stillMissing = missingBrowsers()
  if (stillMissing.length > 0) throw new Error(howToInstall(stillMissing))
}
