import { describe, expect, test } from 'vitest'
import { complaintOf, configFile } from './reading.js'

const SECRET = 'hunter2-hunter2'

/** Returns the message about a file, without the folder of the file. */
function complaintAbout(content: string): string {
  const path = configFile(content)
  return complaintOf(['--config', path]).replaceAll(path, 'star.json')
}

describe('text that is not JSON', () => {
  test.each([
    ['', '--config star.json:1: not valid JSON: value expected'],
    ['{\n  "port": 9090', '--config star.json:2: port: not valid JSON: close brace expected'],
    ['{\n  "port": 1\n  "host": "a"\n}', '--config star.json:3: host: not valid JSON: comma expected'],
    [
      '{\n"limits": {\n"sessionsPerIp": few\n}\n}',
      '--config star.json:3: limits.sessionsPerIp: not valid JSON: invalid symbol'
    ],
    ['{\n  "port": 1,\n}', '--config star.json:3: not valid JSON: property name expected'],
    ['// the port\n{ "port": 1 }', '--config star.json:1: not valid JSON: invalid comment token'],
    ['port: 1', '--config star.json:1: not valid JSON: invalid symbol']
  ])('%j', (content, message) => {
    expect(complaintAbout(content)).toBe(message)
  })
})

test.each([['["port"]'], ['null'], ['1']])('%s is not an object', (content) => {
  expect(complaintAbout(content)).toBe('--config star.json: expected a JSON object with options')
})

describe('an option that is not accepted', () => {
  test.each([
    ['{\n  "port": "9090"\n}', 'star.json:2: port: expected a whole number from 0 to 65535'],
    ['{\n"limits": {\n\n"messageSize": 0 } }', 'star.json:4: limits.messageSize: expected a whole number from 1'],
    ['{ "metrics": "no" }', 'star.json:1: metrics: expected true or false'],
    ['{ "trustProxy": "loopback" }', 'star.json:1: trustProxy: expected an array of texts'],
    ['{ "trustProxy": [\n"loopback",\n1] }', 'star.json:1: trustProxy: expected an array of texts'],
    ['{\n"prot": 1\n}', 'star.json:2: prot: there is no such option'],
    [
      '{\n"limits": {\n"sessions": 1,\n"files": 2 } }',
      'star.json:3: limits.sessions: there is no such option; star.json:4: limits.files: there is no such option'
    ],
    ['{\n"key": "a.pem"\n}', 'star.json:2: key: it needs cert too']
  ])('%j', (content, message) => {
    expect(complaintAbout(content)).toBe(message)
  })
})

describe('a secret is not printed', () => {
  test.each([
    `{ "adminToken": ${SECRET} }`,
    `{ "adminToken": "${SECRET}`,
    `{ "adminToken": "${SECRET}\n" }`,
    `{ "adminToken" "${SECRET}" }`,
    `{ "adminToken": ["${SECRET}"] }`,
    `{ "adminToken": { "${SECRET} ": 1 } }`,
    `{ "passphrase": ["${SECRET}"] }`,
    `{ "redis": "http://:${SECRET}@a.example" }`,
    `{ "redis": { "url": "redis://:${SECRET}@a.example" } }`,
    `{ "redis://:${SECRET}@a.example": true }`,
    `{ redis://:${SECRET}@a.example }`,
    `{ "limits": "${SECRET}" }`,
    `"${SECRET}"`,
    SECRET
  ])('%s', (content) => {
    expect(complaintAbout(content)).not.toContain(SECRET)
  })
})

test('a file that cannot be read is named with the reason', () => {
  expect(complaintOf(['--config', '/nowhere/star.json'])).toMatch(/^--config \/nowhere\/star\.json: ENOENT/)
})
