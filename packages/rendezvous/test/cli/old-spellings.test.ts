import { describe, expect, test } from 'vitest'
import { read } from './reading.js'

describe('as libp2p-websocket-star-rendezvous was started', () => {
  test.each<[string, object]>([
    ['--port=9091 --host=127.0.0.1', { port: 9091, host: '127.0.0.1' }],
    ['--port 9091 --host 127.0.0.1', { port: 9091, host: '127.0.0.1' }],
    ['-p 9091', { port: 9091 }],
    ['-p=9091', { port: 9091 }],
    ['-p9091', { port: 9091 }],
    ['--key=key.key --cert=cert.cert', { key: 'key.key', cert: 'cert.cert' }],
    ['--pfx=pair.pfx --passphrase=word', { pfx: 'pair.pfx', passphrase: 'word' }],
    ['--disableCryptoChallenge', { cryptoChallenge: false }],
    ['--disableStrictMultiaddr', { strictMultiaddr: false }],
    ['--disableMetrics', { metrics: false }]
  ])('%s', (line, expected) => {
    const { options, warnings } = read(line.split(' '))
    expect(options).toMatchObject(expected)
    expect(warnings).toEqual([])
  })

  test.each(['-h ::1', '-h=::1', '-h::1'])('%s is the host, and told so', (line) => {
    const { options, warnings } = read([...line.split(' '), '--port=1'])
    expect(options).toMatchObject({ host: '::1', port: 1 })
    expect(warnings).toEqual([`${line} is read as --host ::1; write --host`])
  })

  test('any new option may be written in camel case', () => {
    const { options } = read(['--maxMessageSize=1', '--discoveryJoinList', '2'])
    expect(options).toMatchObject({ limits: { messageSize: 1 }, discovery: { joinList: 2 } })
  })

  test.each(['-hello', '-pardon', '--someThing', '-h'])('but a passphrase is taken as it is: %s', (passphrase) => {
    const { options, warnings } = read(['--pfx=pair.pfx', `--passphrase=${passphrase}`])
    expect(options.passphrase).toBe(passphrase)
    expect(read(['--passphrase', passphrase, '--pfx=pair.pfx']).options.passphrase).toBe(passphrase)
    expect(warnings).toEqual([])
  })
})
