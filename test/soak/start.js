/** Runs `main.ts`: `node test/soak/start.js [--minutes N] [--seed N]`. */
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

await runnerImport(fileURLToPath(new URL('./main.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
  oxc: { target: 'node20' }
})
