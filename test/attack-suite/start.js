/** Runs a part of the attack suite: `node test/attack-suite/start.js [options]`; the program starts the other parts itself. */
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const PARTS = {
  attackers: new URL('./attackers.ts', import.meta.url),
  witnesses: new URL('./witnesses/witnesses.ts', import.meta.url)
}

const part = PARTS[process.argv[2]] ?? new URL('./main.ts', import.meta.url)
await runnerImport(fileURLToPath(part), {
  configFile: false,
  logLevel: 'error',
  oxc: { target: 'node20' }
})
