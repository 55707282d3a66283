// Writes the pages of docs/ that are made from the sources. Build first: `npm run docs` does both.
import { writeFileSync } from 'node:fs'
import { optionsPage } from '../packages/rendezvous/dist/cli/options-page.js'

writeFileSync(new URL('../docs/options.md', import.meta.url), optionsPage())
