import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Result } from '../schedule.js'
import { chartOf } from './chart.js'
import type { Machine } from './machine.js'
import { tablesOf } from './tables.js'

const DOCS = new URL('../../../docs/', import.meta.url)

/** Writes the page and its chart into the documentation. */
export function writeDocument(results: readonly Result[], machine: Machine): void {
  writeFileSync(fileURLToPath(new URL('benchmarks-relay.svg', DOCS)), chartOf(results))
  writeFileSync(fileURLToPath(new URL('benchmarks.md', DOCS)), documentOf(results, machine))
}

function documentOf(results: readonly Result[], { command, text }: Machine): string {
  return `# Benchmarks

What relaying costs, measured side by side: this server, the legacy one
(\`libp2p-websocket-star-rendezvous@0.4.1\`), a plain forwarder on \`ws\` that does nothing but pass messages on, and a
js-libp2p circuit relay.

![Server CPU of relaying, side by side](benchmarks-relay.svg)

To measure on your machine (\`--quick\` takes about a minute, \`--write\` writes this page anew):

\`\`\`sh
${command}
\`\`\`

These figures: ${text}.

## What is measured

- Each figure is the median of interleaved runs. Every run of every case starts a server of its own, and a process for
  the load of its own.
- **Server CPU** is user and system time of the server's process, as the operating system counts it. It is the figure to
  compare: it depends less than rates on what else the machine does, though it moved by a third between runs on a busy one.
  Where the server was not what limited a rate, that is marked.
- The load writes frames that were made ahead of time straight to TCP sockets, as legacy clients write them: a text that
  announces the chunk, then the chunk. It checks every byte of what arrives: one wrong, missing or repeated message fails
  the run. The forwarder gets the very same frames.
- **bursts**: up to 1,024 messages (half a megabyte) leave in one write. **singles**: each frame leaves in its own write,
  with as many messages under way. A server that is slower than the load then finds many messages at each read
  nevertheless; see the reads per message. **lockstep**: each frame in its own write, and a message leaves only when the
  one before it has arrived: what a quiet server pays for one message.
- At most 1 MiB is under way per pair, 4 MiB for all of them. The join challenge is off; compression is off everywhere.
- The legacy server runs as npm installs it, without native helpers.
- The circuit relay has no limits on time and data, and runs on WebSockets, noise and yamux like its two peers, which
  encrypt end to end besides. Both peers are part of the load: they, not the relay, limit its rate. It carries bytes, not
  messages, so that only one pair and bursts are compared.
- Client and server share one machine and its loopback, so that a write wakes the reader at once and network cards cost
  nothing.

## Results

${tablesOf(results)}
`
}
