import { TypedEventEmitter } from 'main-event'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StarEvents } from '../src/events.js'
import { PeerTable } from '../src/peer-table.js'
import type { Peers } from '../src/peers.js'
import { ServerPeers } from '../src/server-peers.js'

const PREFIX = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
const SELF = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const A = 'QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'
const B = 'QmSnuWmxptJZdLJpKRarxBMS2Ju2oANVrgbr2xWbie9b2D'
const C = 'QmNLei7BdEH7JRKX5oE7zwBYqwRywLiyXhiPEMbQWtj6tX'
const D = '12D3KooWBSta1AuAuDPjUsbycQtWCn52C9Pd7G7Banxvd3WuYAuA'
const EXPIRY = 1000

let events: TypedEventEmitter<StarEvents>
let table: PeerTable
let peers: Peers
let seen: string[]

beforeEach(() => {
  vi.useFakeTimers()
  events = new TypedEventEmitter()
  table = new PeerTable(events)
  peers = table.peers
  seen = []
  for (const type of ['joined', 'changed', 'left'] as const) {
    events.addEventListener(`peer:${type}`, ({ detail }) => seen.push(`${type} ${detail.id}`))
  }
})

afterEach(() => {
  vi.useRealTimers()
})

function view(maxPeers = 10): ServerPeers {
  return new ServerPeers(table, { self: SELF, maxPeers, expiry: EXPIRY }, () => Date.now())
}

function at(id: string, form: 'p2p' | 'ipfs' = 'p2p'): string {
  return `${PREFIX}/${form}/${id}`
}

describe('announcements of an old server', () => {
  test('tell of a peer once, in canonical form, and never of oneself', () => {
    const told = view()
    for (const text of [at(A, 'ipfs'), at(A, 'ipfs'), at(SELF), 'nonsense', 7, undefined]) told.announced(text)
    expect([...peers]).toEqual([{ id: A, addresses: [at(A)] }])
    expect(seen).toEqual([`joined ${A}`])
  })

  test('who is not announced again counts as gone', () => {
    const told = view()
    told.announced(at(A))
    told.announced(at(B))
    vi.advanceTimersByTime(EXPIRY / 2)
    told.announced(at(B))
    vi.advanceTimersByTime(EXPIRY * 0.75)
    expect(seen).toEqual([`joined ${A}`, `joined ${B}`, `left ${A}`])
    told.clear()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('no more peers are remembered than allowed', () => {
    const told = view(1)
    told.listed([at(A), at(B)])
    expect([...peers].map(({ id }) => id)).toEqual([A])
  })
})

describe('batches of changes', () => {
  test('join and leave', () => {
    const told = view()
    told.changed({ joined: [at(A), at(B)], left: [] })
    told.changed({ joined: [], left: [at(A)] })
    expect(seen).toEqual([`joined ${A}`, `joined ${B}`, `left ${A}`])
  })

  test('of a server that tells who leaves nobody expires', () => {
    const told = view()
    told.expires = false
    told.changed({ joined: [at(A)], left: [] })
    told.announced(at(B))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('longer than all that is remembered are read that far only', () => {
    const told = view(2)
    told.changed({ joined: Array.from({ length: 50_000 }, () => 'x').concat(at(A)), left: [] })
    expect(seen).toEqual([])
    told.changed({ joined: [at(A), at(B)], left: [], full: true })
    expect(seen).toEqual([`joined ${A}`, `joined ${B}`])
  })

  test('a full one in parts makes room for those it names by those it does not', () => {
    const told = view(2)
    told.changed({ joined: [at(A), at(B)], left: [], full: true })
    told.changed({ joined: [at(B), at(C)], left: [], full: true, more: true })
    expect([A, B, C].map((id) => told.has(id))).toEqual([false, true, true])
    told.changed({ joined: [at(D)], left: [], more: false })
    expect([B, C, D].map((id) => told.has(id))).toEqual([true, true, false])
  })

  test('a full one in parts replaces what was known once it is complete, and who stays did not leave', () => {
    const told = view()
    told.changed({ joined: [at(A), at(B)], left: [], full: true })
    told.changed({ joined: [at(C)], left: [], full: true, more: true })
    // An intervening batch.
    told.changed({ joined: [at(D)], left: [at(C)] })
    expect(seen).toEqual([`joined ${A}`, `joined ${B}`, `joined ${C}`, `joined ${D}`, `left ${C}`])
    told.changed({ joined: [at(B)], left: [], more: false })
    expect(seen.slice(5)).toEqual([`left ${A}`])
    expect([B, D].map((id) => told.has(id))).toEqual([true, true])
    told.changed({ joined: [], left: [], more: false })
    expect(told.has(B)).toBe(true)
  })

  test('a full one replaces what was known, and who stays did not leave', () => {
    const told = view()
    told.listed([at(A), at(B)])
    told.changed({ joined: [at(B)], left: [], full: true })
    expect(seen).toEqual([`joined ${A}`, `joined ${B}`, `left ${A}`])
  })

  test.each([undefined, null, 7, 'x', {}, { joined: 7 }, []])('%j is none', (argument) => {
    const told = view()
    told.listed([at(A)])
    told.changed(argument)
    expect(seen).toEqual([`joined ${A}`])
  })

  test('of entries that are no addresses the others are kept', () => {
    view().changed({ joined: [null, 'x', at(A), {}], left: [7, 'y'] })
    expect([...peers].map(({ id }) => id)).toEqual([A])
  })
})

test('a peer on two servers has left when it has left both', () => {
  const [one, two] = [view(), view()]
  one.listed([at(A)])
  two.listed([at(A).replace('star.', 'other.')])
  expect(peers.get(A)?.addresses).toHaveLength(2)
  one.clear()
  expect(peers.get(A)?.addresses).toEqual([at(A).replace('star.', 'other.')])
  two.clear()
  expect(seen).toEqual([`joined ${A}`, `changed ${A}`, `changed ${A}`, `left ${A}`])
  expect(peers.size).toBe(0)
})
