import { createPeer } from './peer.js'
import { serve, type Channel } from './remote-peer.js'

/** A variable, for only the site has this address. */
const client: string = '/client/websocket-star.js'

// A dedicated worker's global object is its end of the channel. Calls may come before the client is loaded.
serve(globalThis as unknown as Channel, import(client).then(createPeer))
