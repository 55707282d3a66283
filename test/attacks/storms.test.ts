import { once } from 'node:events'
import { connect } from 'node:net'
import { within } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar, type RawStar } from '../support/raw-star.js'

test.for(['ss-join', 'ss-leave', 'ss-dial'])(
  'a flood of %s from one connection takes nobody else’s turn',
  async (event) => {
    const star = await openStar({ limits: { waiting: 200 } })
    const pair = await wellBehavedPair(star)
    const attacker = await star.join()
    const nowhere = `${star.prefix}/ipfs/${(await createIdentity()).id}`
    const join = `42["ss-join","${nowhere}","00"]`
    const flood =
      event === 'ss-dial' ? `42["${event}","${attacker.address}","${nowhere}","id"]` : `42["${event}","${nowhere}"]`
    for (let round = 0; round < 5; round++) {
      // The joins before them make leaves and dials wait.
      attacker.send(...Array.from({ length: 20 }, () => join), ...Array.from({ length: 5_000 }, () => flood))
      await Promise.all(Array.from({ length: 10 }, async () => await star.join()))
    }
    await attacker.settle()
    expect(star.server.stats()).toMatchObject({ peers: 53, waiting: 0 })
    await pair.check()
  }
)

/** Handshakes of clients of one address behind a proxy, each on a connection of its own or all on one; sent at once. */
async function handshakes(star: RawStar, count: number, connections: number, forwardedFor: string): Promise<number[]> {
  const { hostname: host, port } = new URL(star.url)
  const request = `GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: star\r\nX-Forwarded-For: ${forwardedFor}\r\n\r\n`
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host, port: Number(port) })
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      return socket
    })
  )
  const each = count / connections
  const answers = sockets.map(async (socket) => {
    let text = ''
    socket.on('data', (data: Buffer) => (text += data.toString('latin1')))
    socket.write(request.repeat(each))
    const statuses = (): number[] => Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status))
    while (statuses().length < each) await once(socket, 'data')
    return statuses()
  })
  return (await within('all answers', Promise.all(answers))).flat()
}

test.for([1, 100])(
  'a flood of handshakes from one address, over %i connections, takes nobody else’s turn, and is limited',
  async (connections) => {
    const star = await openStar({ trustProxy: ['loopback'], limits: { sessionsPerIp: 10, waiting: 200 } })
    const pair = await wellBehavedPair(star)
    const flood = handshakes(star, 1_000, connections, '203.0.113.9')
    const others = Array.from({ length: 10 }, async (_, index) => await star.join({ forwardedFor: `192.0.2.${index}` }))
    await Promise.all(others)
    const statuses = await flood
    expect(statuses.filter((status) => status === 200)).toHaveLength(10)
    expect(star.server.stats()).toMatchObject({ sessions: 22, waiting: 0 })
    await pair.check()
  }
)
