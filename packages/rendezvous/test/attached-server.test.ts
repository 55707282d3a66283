import { expect, test } from 'vitest'
import { listen } from './support/http-server.js'

const OWN = 'GET /star/ HTTP/1.1\r\nHost: x\r\n\r\n'
const OTHER = 'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n'
const UPGRADE = 'GET /star/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'

test('a connection counts from its first request below the path, and too many of an address are closed', async () => {
  const { connect, connections, counters, account } = await listen(
    {
      request: (_request, response) => void response.end('[star]'),
      upgrade: (_request, socket) => {
        socket.on('end', () => socket.end()).resume()
        socket.write('[upgraded]')
      }
    },
    { perIp: 2, application: (_request, response) => void response.end('[application]') }
  )
  const others = [connect(), connect(), connect()]
  for (const { socket } of others) socket.write(OTHER)
  for (const { received } of others) await received((text) => text.includes('[application]'))
  expect(connections.size).toBe(0)

  const [polling, webSocket] = [connect(), connect()]
  polling.socket.write(OWN + OWN + OTHER)
  await polling.received((text) => text.includes('[application]'))
  webSocket.socket.write(UPGRADE)
  await webSocket.received((text) => text.includes('[upgraded]'))
  expect([connections.size, account.connections]).toEqual([2, 2])

  const refused = [connect(), connect()]
  refused[0]?.socket.write(OWN)
  refused[1]?.socket.write(UPGRADE)
  await Promise.all(refused.map(({ closed }) => closed))
  expect(counters.snapshot().refused).toEqual({ 'connections per ip': 2 })

  others[0]?.socket.write(OTHER)
  await others[0]?.received((text) => text.split('[application]').length === 3)
  polling.socket.destroy()
  webSocket.socket.destroy()
  await expect.poll(() => [connections.size, account.connections]).toEqual([0, 0])
  others[0]?.socket.write(OWN)
  expect(await others[0]?.received((text) => text.includes('[star]'))).toContain('[star]')
})

test('pipelined requests below the path wait while eight of their connection are unanswered', async () => {
  const answers: (() => void)[] = []
  const { connect } = await listen(
    { request: (_request, response) => void answers.push(() => response.end('[star]')) },
    { application: (_request, response) => void response.end('[application]') }
  )
  const client = connect()
  client.socket.write(OWN)
  await expect.poll(() => answers.length).toBe(1)
  client.socket.write(OWN.repeat(100) + OTHER)
  await expect.poll(() => answers.length).toBeGreaterThanOrEqual(8)
  expect(answers.length).toBeLessThan(40)
  let answered = 0
  while (answered < 101) {
    await expect.poll(() => answers.length).toBeGreaterThan(0)
    for (const answer of answers.splice(0)) {
      answer()
      answered++
    }
  }
  const text = await client.received((all) => all.includes('[application]'))
  expect(text.match(/\[\w+\]/g)).toEqual([...Array.from({ length: 101 }, () => '[star]'), '[application]'])
})
