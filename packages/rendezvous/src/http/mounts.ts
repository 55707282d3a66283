import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import type { Duplex } from 'node:stream'

/** Handlers of the requests below one path of an HTTP server. */
export interface Mount {
  readonly path: string
  /** Returns whether a request is for this mount. */
  holds(request: IncomingMessage): boolean
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Called before an upgrade that the application handles. */
  leaves(socket: Duplex): void
}

const mountsOf = new WeakMap<Server, Mounts>()

/**
 * Hands the requests below some paths of an HTTP server to their mounts. The application's listeners do not get these requests,
 * and get all others as before, no matter whether they are added earlier or later.
 */
export class Mounts {
  readonly #server: Server
  readonly #emit: Server['emit']
  readonly #dispatching: Server['emit']
  readonly #mounts: Mount[] = []

  private constructor(server: Server) {
    this.#server = server
    this.#emit = server.emit
    this.#dispatching = (event: string, ...args: unknown[]): boolean =>
      this.#dispatch(event, args) || Reflect.apply(this.#emit, server, [event, ...args])
  }

  static of(server: Server): Mounts {
    const mounts = mountsOf.get(server) ?? new Mounts(server)
    mountsOf.set(server, mounts)
    return mounts
  }

  has(path: string): boolean {
    return this.#mounts.some((mount) => mount.path === path)
  }

  add(mount: Mount): void {
    if (this.#mounts.length === 0) {
      this.#server.emit = this.#dispatching
      // Without a listener, Node ignores that a client wants to upgrade.
      this.#server.on('upgrade', ignore)
    }
    this.#mounts.push(mount)
    // A path may be below another one.
    this.#mounts.sort((one, other) => other.path.length - one.path.length)
  }

  remove(mount: Mount): void {
    this.#mounts.splice(this.#mounts.indexOf(mount), 1)
    if (this.#mounts.length > 0) return
    this.#server.off('upgrade', ignore)
    // Something that has wrapped the method since then, such as a tracer, still calls it.
    if (this.#server.emit === this.#dispatching) this.#server.emit = this.#emit
    mountsOf.delete(this.#server)
  }

  /** Returns whether an event has been handled. */
  #dispatch(event: string, args: unknown[]): boolean {
    if (this.#mounts.length === 0) return false
    if (event === 'request' || event === 'checkContinue') {
      // Casts here and below, since these are the arguments of the events of `node:http`.
      const [request, response] = args as [IncomingMessage, ServerResponse]
      const mount = this.#mountOf(request)
      if (mount === undefined) return false
      if (event === 'checkContinue') response.writeContinue()
      mount.request(request, response)
      return true
    }
    if (event !== 'upgrade') return false
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer]
    const mount = this.#mountOf(request)
    if (mount !== undefined) {
      mount.upgrade(request, socket, head)
      return true
    }
    for (const { leaves } of this.#mounts) leaves(socket)
    if (this.#server.listeners('upgrade').some((listener) => listener !== ignore)) return false
    this.#withoutUpgrade(request, socket, head)
    return true
  }

  #mountOf(request: IncomingMessage): Mount | undefined {
    return this.#mounts.find((mount) => mount.holds(request))
  }

  /** Lets the application answer a request as if it asked for no upgrade, as Node does where nothing listens for upgrades. */
  #withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
    let text = `${method} ${url} HTTP/${httpVersion}\r\n`
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? ''
      if (name.toLowerCase() !== 'upgrade') text += `${name}: ${rawHeaders[index + 1]}\r\n`
    }
    socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]))
    Reflect.apply(this.#emit, this.#server, [isTls(this.#server) ? 'secureConnection' : 'connection', socket])
  }
}

/** Returns whether a server speaks HTTPS. */
export function isTls(server: Server): boolean {
  return server instanceof TlsServer
}

function ignore(): void {}
