import { isIP } from 'node:net'
import { InvalidAddressError, isSameServer, parseAddress, locationOf, locationOfHost } from '@websocket-star/protocol'
import fc from 'fast-check'
import { locationOfOrigin } from '../../../packages/rendezvous/src/names/origins.js'
import { forwardedAddresses, ipOf } from '../../../packages/rendezvous/src/pacing/forwarded.js'
import { scopeOf } from '../../../packages/rendezvous/src/pacing/address-scope.js'
import { edited, starAddress } from './arbitraries.js'
import { defineParser, holds, readOrRefuse, same } from './parser.js'

const ip = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map((ip) => `::ffff:${ip}`)
)
const hop = fc.oneof(
  ip,
  ip.map((ip) => `[${ip}]:80`),
  fc.ipV4().map((ip) => `${ip}:80`),
  fc.constantFrom('unknown', '_hidden', '""', ' '.repeat(500))
)
const list = fc.array(hop, { maxLength: 5 }).map((hops) => hops.join(', '))
const pair = fc
  .tuple(fc.constantFrom('for', 'For', 'by', 'proto'), hop, fc.boolean())
  .map(([name, hop, isQuoted]) => (isQuoted ? `${name}="${hop}"` : `${name}=${hop}`))
const forwardedText = fc
  .array(fc.tuple(pair, fc.constantFrom(';', ',', ', ', ' ; ')), { maxLength: 6 })
  .map((pairs) => pairs.flat().join(''))

const forwarded = defineParser({
  name: 'forwarded',
  share: 500,
  inputs: fc.record({ 'x-forwarded-for': edited(list), forwarded: edited(forwardedText) }, { requiredKeys: [] }),
  read: (headers) => {
    const addresses = forwardedAddresses(headers)
    holds('there are not many', addresses.length <= 32)
    for (const address of addresses) {
      const isAddress = isIP(address) !== 0
      holds(`${address} is an address or a name for none`, isAddress || /^(?:unknown|_[\w.-]{1,64})$/.test(address))
      if (isAddress) same('the address, read again', ipOf(address), address)
      scopeOf(address)
    }
  }
})

const host = fc
  .tuple(
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`)
    ),
    fc.constantFrom('', '.', ':80', ':443', ':65535')
  )
  .map((parts) => parts.join(''))

const place = defineParser({
  name: 'place',
  share: 300,
  inputs: fc.tuple(fc.oneof(edited(host), host), edited(starAddress), fc.boolean()),
  read: ([text, address, secure]) => {
    const place = locationOfHost(text, secure)
    if (place !== undefined) {
      const host = place.host.includes(':') ? `[${place.host}]` : place.host
      same('the place, written and read', locationOfHost(`${host}:${place.port}`, secure), place)
      same('the place of its origin', locationOfOrigin(`http${secure ? 's' : ''}://${text}`), place)
    }
    const read = readOrRefuse(() => parseAddress(address), InvalidAddressError)
    if (read === undefined) return
    holds('an address leads where it leads', isSameServer(read, read.legacy) === (locationOf(read) !== undefined))
  }
})

export const NAME_PARSERS = [forwarded, place]
