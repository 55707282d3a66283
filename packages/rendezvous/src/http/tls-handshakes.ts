import type { Socket } from 'node:net'
import type { AddressAccount } from '../budget/address-account.js'

/** Concurrent handshakes per IP address. Each takes a millisecond of CPU. */
const MAX_PER_IP = 32

interface Handshake {
  account: AddressAccount
  since: number
  /** Undefined once the handshake has started. */
  begin: (() => void) | undefined
}

/** TCP connections before the end of their TLS handshake. A handshake starts once the budget of its IP address allows it. */
export class TlsHandshakes {
  readonly #all = new Map<Socket, Handshake>()
  readonly #underWay = new Map<AddressAccount, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  add(socket: Socket, account: AddressAccount, begin: () => void): void {
    const handshake: Handshake = { account, since: this.#now(), begin }
    this.#all.set(socket, handshake)
    // Nothing else handles errors of the socket before the handshake.
    socket.on('error', () => socket.destroy())
    this.#try(handshake)
  }

  /** Removes a connection that finished its handshake or closed, and starts the next handshake of its IP address. */
  delete(socket: Socket): void {
    const handshake = this.#all.get(socket)
    if (handshake === undefined) return
    this.#all.delete(socket)
    if (handshake.begin !== undefined) return
    const { account } = handshake
    const left = (this.#underWay.get(account) ?? 1) - 1
    if (left > 0) this.#underWay.set(account, left)
    else this.#underWay.delete(account)
    for (const other of this.#all.values())
      if (other.begin !== undefined && other.account === account) return this.#try(other)
  }

  /** Starts handshakes that the budget allows by now, and closes connections older than the timeout in milliseconds. */
  sweep(timeout: number): void {
    const before = this.#now() - timeout
    for (const [socket, handshake] of this.#all) {
      if (handshake.since < before) socket.destroy()
      else this.#try(handshake)
    }
  }

  close(): void {
    for (const socket of this.#all.keys()) socket.destroy()
  }

  #try(handshake: Handshake): void {
    const { account, begin } = handshake
    const count = this.#underWay.get(account) ?? 0
    if (begin === undefined || (!account.exempt && (count >= MAX_PER_IP || account.isOverBudget))) return
    account.charge('tls')
    this.#underWay.set(account, count + 1)
    handshake.begin = undefined
    begin()
  }
}
