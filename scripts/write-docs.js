// Writes the files that are generated from the schema of the options. `npm run docs` builds before it runs this script.
import { writeFileSync } from 'node:fs'
import { optionTypes } from '../packages/rendezvous/dist/cli/option-interfaces.js'
import { optionsPage } from '../packages/rendezvous/dist/cli/options-page.js'

writeFileSync(new URL('../docs/options.md', import.meta.url), optionsPage())
writeFileSync(new URL('../packages/rendezvous/src/option-types.ts', import.meta.url), optionTypes())
