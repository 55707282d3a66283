import { expect, test } from 'vitest'
import { strictTransportSecurity } from '../../src/http/transport-security.js'

test.each(['star.example.com', 'star.example.com:443', 'STAR.example.com.'])('%s is kept to HTTPS', (host) => {
  expect(strictTransportSecurity(host)).toBe('max-age=15552000')
})

test.each([
  undefined,
  '',
  'localhost',
  'a.localhost',
  'star',
  'star.local',
  'star.lan:443',
  'star.home.arpa',
  '192.0.2.1',
  '192.0.2.1:443',
  '[2001:db8::1]',
  '[::1]:443',
  'star.example.com:9090'
])('%j is not: other servers may have that name, or other ports of it', (host) => {
  expect(strictTransportSecurity(host)).toBeUndefined()
})
