import { FaultProxy } from '@websocket-star/testkit'
import { NodeLife } from '../chaos/nodes.js'
import type { Star } from '../chaos/ways.js'
import type { WatchedServer } from './server.js'

/** Milliseconds after a road is mended in which what it broke may still fail. */
const AFTERMATH = 3_000

/** `cut` ends connections; `silent` ends only those that are opened meanwhile. */
type Trouble = 'cut' | 'silent'

/** A network between some clients and the server, which can fail. */
export class Road extends NodeLife {
  readonly proxy: FaultProxy
  readonly #troubles: { readonly kind: Trouble; readonly from: number; to: number }[] = []

  constructor(name: string, server: WatchedServer, proxy: FaultProxy) {
    super(name, server.process)
    this.proxy = proxy
  }

  override get port(): number {
    return this.proxy.port
  }

  /** Notes that it fails from now on. @returns to be called when it works again */
  note(kind: Trouble): () => void {
    const trouble = { kind, from: performance.now(), to: Number.POSITIVE_INFINITY }
    this.#troubles.push(trouble)
    return () => void (trouble.to = performance.now())
  }

  /** Whether it failed in that time. Milliseconds of `performance.now()`. */
  had(kind: Trouble, from: number, to: number): boolean {
    return this.#troubles.some((one) => one.kind === kind && one.from <= to && one.to + AFTERMATH >= from)
  }
}

/** All roads to one server. */
export class Roads implements Star, AsyncDisposable {
  readonly url: string
  readonly multiaddr: string
  readonly all: readonly Road[]

  private constructor(server: WatchedServer, all: readonly Road[]) {
    this.url = server.process.url
    this.multiaddr = server.process.multiaddr
    this.all = all
  }

  static async open(server: WatchedServer, count: number): Promise<Roads> {
    const road = async (index: number): Promise<Road> =>
      new Road(`road ${index}`, server, await FaultProxy.open(server.process))
    return new Roads(server, await Promise.all(Array.from({ length: count }, (_, index) => road(index))))
  }

  get size(): number {
    return this.all.length
  }

  choose(home: number): Road | undefined {
    return this.all[home % this.size]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map(({ proxy }) => proxy[Symbol.asyncDispose]()))
  }
}
