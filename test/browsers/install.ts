import { spawnSync } from 'node:child_process'
import { debianPackages, howToInstall, missingBrowsers } from './support/executables.js'

/** Sees to it, before the first of these tests, that the browsers are there. */
export default function install(): void {
  const missing = missingBrowsers()
  if (missing.length === 0) return
  if (process.getuid?.() === 0 && run('apt-get', 'update')) {
    run('apt-get', 'install', '-y', '--no-install-recommends', ...debianPackages(missing))
  }
  const stillMissing = missingBrowsers()
  if (stillMissing.length > 0) throw new Error(howToInstall(stillMissing))
}

/** @returns whether it went well; what it has to say is shown */
function run(command: string, ...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync(command, args, { env, stdio: 'inherit', timeout: 600_000 })
  return status === 0
}
