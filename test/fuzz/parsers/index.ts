import { CLIENT_PARSERS } from './client.js'
import { CLUSTER_PARSERS } from './cluster.js'
import { NAME_PARSERS } from './names.js'
import type { Parser } from './parser.js'
import { PROTOCOL_PARSERS } from './protocol.js'
import { RENDEZVOUS_PARSERS } from './rendezvous.js'
import { TRANSPORT_PARSERS } from './transport.js'

/** All parsers that strangers reach, by what they can write to: any server, a node's Redis, a client's server. */
export const PARSERS: readonly Parser[] = [
  ...PROTOCOL_PARSERS,
  ...RENDEZVOUS_PARSERS,
  ...NAME_PARSERS,
  ...TRANSPORT_PARSERS,
  ...CLUSTER_PARSERS,
  ...CLIENT_PARSERS
]
