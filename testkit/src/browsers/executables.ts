import { findCommand, howToInstallPackages, isExecutable } from '../processes/debian.js'

/** The browsers of tests and benchmarks, as Debian has them. */
const BROWSERS = {
  chromium: { variable: 'CHROMIUM', command: 'chromium', debianPackage: 'chromium' },
  firefox: { variable: 'FIREFOX', command: 'firefox-esr', debianPackage: 'firefox-esr' }
} as const

export type BrowserName = keyof typeof BROWSERS

/**
 * Where a browser is: what the environment variable CHROMIUM or FIREFOX names, else what is on the path.
 *
 * @throws Error if the variable names nothing that can be run
 */
function findBrowser(name: BrowserName): string | undefined {
  const { variable, command } = BROWSERS[name]
  const named = process.env[variable]
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named
    throw new Error(`${variable} is ${named}, which cannot be run`)
  }
  return findCommand(command)
}

/** @throws Error that says how to get it */
export function browserExecutable(name: BrowserName): string {
  const path = findBrowser(name)
  if (path === undefined) throw new Error(howToInstall([name]))
  return path
}

export function missingBrowsers(): BrowserName[] {
  const names: readonly BrowserName[] = ['chromium', 'firefox']
  return names.filter((name) => findBrowser(name) === undefined)
}

export function debianPackages(names: readonly BrowserName[]): string[] {
  return names.map((name) => BROWSERS[name].debianPackage)
}

export function howToInstall(names: readonly BrowserName[]): string {
  const variables = names.map((name) => `${BROWSERS[name].variable}=<path>`)
  return (
    `There is no ${names.join(' and no ')} here. On Debian, as root:\n` +
    `  ${howToInstallPackages(debianPackages(names))}\n` +
    `Elsewhere, name an executable by the environment: ${variables.join(' ')}`
  )
}
