import { findCommand, howToInstallPackages, installPackages } from '@websocket-star/testkit/processes'

const DEBIAN_PACKAGES = ['redis-server', 'redis-tools']

/** Sees to it, before the first of these tests, that Redis is there. */
export default function install(): void {
  if (isThere()) return
  installPackages(DEBIAN_PACKAGES)
  if (!isThere()) throw new Error(howToInstall())
}

function isThere(): boolean {
  return ['redis-server', 'redis-cli'].every((command) => findCommand(command) !== undefined)
}

function howToInstall(): string {
  return (
    'The tests of several servers need the commands redis-server and redis-cli of Redis 7. On Debian, as root:\n' +
    `  ${howToInstallPackages(DEBIAN_PACKAGES)}`
  )
}
