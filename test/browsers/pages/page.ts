import * as star from '@websocket-star/client'
import { createPeer } from './peer.js'
import { RemotePeer, type Channel } from './remote-peer.js'

// What pages have and Node's types do not.
declare const Worker: new (url: string, options: { type: 'module' }) => Channel
declare const SharedWorker: new (url: string, options: { type: 'module' }) => { port: Channel }

const workers = {
  dedicated: () => new Worker('/pages/worker.js', { type: 'module' }),
  shared: () => new SharedWorker('/pages/shared-worker.js', { type: 'module' }).port
}

export type WorkerKind = keyof typeof workers

/** What is at the end of the test's `call`. */
const page = {
  peer: createPeer(star),
  workers: new Map<WorkerKind, RemotePeer>(),
  worker(kind: WorkerKind): RemotePeer {
    const known = this.workers.get(kind) ?? new RemotePeer(workers[kind]())
    this.workers.set(kind, known)
    return known
  }
}

Object.assign(globalThis, { page })
