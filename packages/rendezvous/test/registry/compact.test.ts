import { parseAddress, type StarAddress } from '@websocket-star/protocol'
import { describe, expect, test } from 'vitest'
import { Compactor } from '../../src/registry/compact.js'
import { peerId } from '../support/addresses.js'

const ED25519 = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const SECP256K1 = '16Uiu2HAkzQyKJFGs9Cwgv1BETZsu2Kyw3KZ4xkW9bkdGABTZcHsz'
/** The same as a CID. */
const CID = 'bafzaajaiaejcbx2ovxxcwgtvrt7v3gl2bpwzf6vmtbxbqyf5jmq4zwpcl4yf2pke'

/** All that there is in an address. */
function fields({ canonical, legacy, prefix, peerId, strict }: StarAddress): StarAddress {
  return { canonical, legacy, prefix, peerId, strict }
}

describe('a compact address says what the address said', () => {
  const compactor = new Compactor()

  test.each([
    `/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star/ipfs/${peerId(1)}`,
    `/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star/p2p/${ED25519}`,
    `/ip6/::1/tcp/9090/ws/p2p-websocket-star/p2p/${SECP256K1}`,
    `/ip6/2001:db8:0:0:0:0:0:1/tcp/9090/wss/p2p-websocket-star/ipfs/${peerId(2)}/`,
    `/dns4/star.example/tcp/443/wss/p2p-websocket-star/p2p/${CID}`,
    `/dns/star.example/wss/p2p-websocket-star/p2p/${peerId(3)}`,
    `/dns6/star.example/tcp/443/tls/ws/p2p-websocket-star/p2p/${peerId(3)}`,
    `/dns4/star.example/tcp/443/tls/sni/other.example/ws/p2p-websocket-star/p2p/${peerId(3)}`,
    // No peer.
    '/dns4/star.example/tcp/443/wss/p2p-websocket-star',
    // What may join where addresses need not be strict.
    '/ip4/192.0.2.1/tcp/4001',
    `/ip4/192.0.2.1/tcp/4001/p2p/${peerId(4)}`,
    `/ip4/192.0.2.1/udp/4001/p2p-websocket-star/p2p/${peerId(4)}`,
    `/ip4/192.0.2.1/tcp/9090/ws/p2p-websocket-star/p2p-circuit/p2p/${peerId(4)}`,
    `/ip4/192.0.2.1/tcp/9090/ws/p2p-websocket-star/p2p/${peerId(4)}/p2p-circuit`,
    `/ip4/192.0.2.1/tcp/9090/ws/p2p-websocket-star/p2p/${peerId(4)}/p2p-circuit/ipfs/${peerId(5)}`,
    `/p2p/${peerId(4)}/ip4/192.0.2.1/tcp/9090/ws/p2p-websocket-star`,
    `/ip4/192.0.2.1/tcp/9090/ws/p2p-websocket-star/ws/p2p-websocket-star/p2p/${peerId(4)}`
  ])('%s', (text) => {
    const address = parseAddress(text)
    const compact = compactor.compact(address)
    expect(fields(compact)).toEqual(fields(address))
    // Its spellings are those of the same address.
    expect(fields(parseAddress(compact.canonical))).toEqual(fields(address))
    expect(parseAddress(compact.legacy).canonical).toBe(address.canonical)
    // Once more, with a known prefix.
    expect(fields(compactor.compact(compact))).toEqual(fields(address))
  })

  test('however many prefixes there are', () => {
    const texts = Array.from({ length: 3_000 }, (_, number) => {
      return `/dns4/star-${number % 1_500}.example/tcp/443/wss/p2p-websocket-star/p2p/${peerId(number)}`
    })
    const addresses = texts.map((text) => parseAddress(text))
    const compact = addresses.map((address) => compactor.compact(address))
    expect(compact.map(fields)).toEqual(addresses.map(fields))
  })
})
