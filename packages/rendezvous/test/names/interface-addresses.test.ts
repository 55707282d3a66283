import { expect, test } from 'vitest'
import { InterfaceAddresses } from '../../src/names/interface-addresses.js'

test('an address added while the server runs is found, with one read per second at most', () => {
  let now = 0
  let looks = 0
  const addresses = ['192.0.2.1']
  const interfaces = new InterfaceAddresses(
    () => {
      looks++
      return [...addresses]
    },
    () => now
  )
  expect(interfaces.has('192.0.2.1')).toBe(true)
  addresses.push('192.0.2.2')
  now = 999
  for (let ask = 0; ask < 10; ask++) expect(interfaces.has('192.0.2.2')).toBe(false)
  expect(looks).toBe(1)
  now = 1_000
  expect(interfaces.has('192.0.2.2')).toBe(true)
  expect(looks).toBe(2)
  now = 5_000
  expect(interfaces.has('192.0.2.1')).toBe(true)
  expect(looks).toBe(2)
})

test('loopback belongs to this machine', () => {
  expect(new InterfaceAddresses().has('127.0.0.1')).toBe(true)
  expect(new InterfaceAddresses().has('203.0.113.9')).toBe(false)
})
