import { CLIENT_NAMES } from './client/contenders.js'
import { STAR_NAMES } from './cluster/contenders.js'
import { CROWD_SERVER_NAMES } from './crowd/contenders.js'
import { WAY_NAMES } from './libp2p/contenders.js'
import { PAGE_PEER_NAMES } from './pages/contenders.js'
import { CONTENDER_NAMES } from './servers/contenders.js'

export const USAGE = `Usage: npm run bench relay -- [options]
       npm run bench client -- [options]
       npm run bench libp2p -- [options]
       npm run bench pages -- [options]
       npm run bench peers -- [options]
       npm run bench cluster -- [options]

relay measures the relaying of this server beside the legacy one, a plain ws forwarder and a js-libp2p circuit relay.
client measures end to end, through the clients of this repository, of the legacy star, and of js-libp2p.
libp2p measures two nodes of js-libp2p over this repository's transport, a circuit relay, and WebSockets alone.
pages measures two pages of one Chromium (CHROMIUM=<path>, or /usr/bin/chromium): the client, and libp2p over both.
peers measures what many peers cost this server and the legacy one: idle, joining, and all coming back at once.
cluster measures two nodes of this server over a redis-server, which has to be installed, beside one node alone.

  --runs N          interleaved runs, of which the median counts (default 5, of peers 3; 1 with --quick)
  --seconds S       seconds each case is measured (default 2; 0.6 with --quick; of peers 30 and 10)
  --only A,B        contenders
                    relay: ${CONTENDER_NAMES.join(', ')}
                    client: ${CLIENT_NAMES.join(', ')}
                    libp2p: ${WAY_NAMES.join(', ')}
                    pages: ${PAGE_PEER_NAMES.join(', ')}
                    peers: ${CROWD_SERVER_NAMES.join(', ')}
                    cluster: ${STAR_NAMES.join(', ')}
  --cases A,B       cases whose name contains one of these
                    relay: such as 100B, 64KiB/50, singles, latency, memory, dials
                    client: such as 64KiB, 100B, delay, memory, restart
                    libp2p: 64KiB, dial, discovery
                    pages: 64KiB, join
                    peers: idle, join, storm, rounds, newcomer, or such as idle/1000
                    cluster: raw/64KiB, client/64KiB, raw/100B, round-trip, dial, registry
  --quick           briefly, once, and of relay a few cases only: about a minute, of peers two
  --long            relay: a million dials instead of a hundred thousand
  --json FILE       write every figure of every run
  --write           write the figures into docs/benchmarks.md, of relay and peers their charts too
  --profile         profile what is ours instead and print where its time goes
`
