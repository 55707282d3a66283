export { browserExecutable, debianPackages, howToInstall, missingBrowsers, type BrowserName } from './executables.js'
export { launchBrowser } from './launch.js'
