import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createCertificates } from '../../support/certificates.js'
import { StarProcess } from '../../support/star-process.js'
import { LONG_TTL, PATIENCE, ProcessStar, SHORT_TTL, startRedis } from './process-star.js'
import { allArrived, allReachAll, loadBetween, Resident, untilAllKnown } from './residents.js'

/** As the page about clusters says. */
const RULES = '~ws{star}:* &ws{star}:* -@all +@read +@write +@pubsub +@scripting +@connection +info +time'

test(
  'a user who may do what the page says needs no more, through all that may happen',
  async () => {
    const user = { name: 'star', password: 'p@ss/word', rules: RULES }
    const redis = await startRedis({ user })
    const star = await ProcessStar.start(redis, SHORT_TTL, undefined, { flags: ['--drain-timeout=500'] })
    const [here, there] = star.pair
    const residents = await Resident.joinEach([here, there])
    await untilAllKnown(residents)
    await allArrived(await loadBetween(here, there))
    await redis.killClients('normal')
    await redis.killClients('pubsub')
    await allReachAll(residents)
    const late = await Resident.join(there)
    await untilAllKnown([...residents, late])
    await redis.cli('FLUSHALL')
    await eventually('the registry to be written again', async () => (await star.registry()).size >= 3)
    await there.kill9()
    await residents[0]?.untilMisses(late)
    await here.terminate()
    expect(await redis.cli('ACL', 'LOG')).toBe('')
  },
  PATIENCE
)

test('a user who may do less, or has another password, is told so at once', async () => {
  const user = { name: 'star', password: 'right', rules: RULES.replace('+@pubsub ', '') }
  const redis = await startRedis({ user })
  await expect(StarProcess.start({ redis: redis.url })).rejects.toThrow(/refused this node.*NOPERM/s)
  const wrong = redis.url.replace('right', 'wrong')
  await expect(StarProcess.start({ redis: wrong })).rejects.toThrow(/refused this node.*WRONGPASS/s)
})

test(
  'a Redis with TLS is trusted if its authority is, which Node is told of by NODE_EXTRA_CA_CERTS',
  async () => {
    await using certificates = await createCertificates()
    const redis = await startRedis({ tls: certificates, password: 'secret' })
    await expect(StarProcess.start({ redis: redis.url })).rejects.toThrow('self-signed certificate')
    const env = { NODE_EXTRA_CA_CERTS: certificates.cert }
    const star = await ProcessStar.start(redis, LONG_TTL, [redis.url, redis.url], { env })
    const [here, there] = star.pair
    const residents = await Resident.joinEach([here, there])
    await untilAllKnown(residents)
    await allReachAll(residents)
    await allArrived(await loadBetween(here, there))
    for (const node of star.nodes) expect(node.log.join('\n')).not.toContain('secret')
  },
  PATIENCE
)
