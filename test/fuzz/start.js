/** Runs `main.ts`: `node test/fuzz/start.js [--seed N] [--inputs N] [--seconds N] [--only sockets|parsers|NAME]`. */
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

// libp2p 3 wants Node 22
await import('../support/promise-with-resolvers.js')
await runnerImport(fileURLToPath(new URL('./main.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
  oxc: { target: 'node20' }
})
