import { expect, test } from 'vitest'
import { createIdentities, type Identity } from '../support/raw-identity.js'
import { canonical, DELTAS, NONE, untilKnown } from '../support/raw-peers.js'
import { openStar } from '../support/raw-star.js'
import { addressesOf, joinMany, settleAll } from './crowd.js'

/** More than so many listeners are told of newcomers in batches. */
const MANY = 80

test.for([10, MANY])(
  'each of %i listeners has heard of a newcomer, once, when its join is answered',
  async (listeners) => {
    const star = await openStar()
    const peers = await joinMany(star, listeners)
    await settleAll(peers)
    const before = peers.map(({ announced }) => announced.length)
    const identities = await createIdentities(20)
    await Promise.all(
      identities.map(async (identity) => {
        const newcomer = await star.connect(NONE)
        await newcomer.join(identity, star.prefix)
        // What the server has sent before this comes before it.
        await settleAll(peers)
        for (const { announced } of peers) expect(announced).toContain(newcomer.address)
      })
    )
    const expected = identities.map(({ id }) => `${star.prefix}/ipfs/${id}`).toSorted()
    const heard = peers.map(({ announced }, index) => announced.slice(before[index]).toSorted())
    expect(heard).toEqual(peers.map(() => expected))
  }
)

test('of those who come together every one hears of every other, by announcements and by the answer to its join', async () => {
  const star = await openStar()
  const peers = await joinMany(star, MANY)
  await settleAll(peers)
  const identities = await createIdentities(30)
  const newcomers = await Promise.all(
    identities.map(async (identity) => {
      const peer = await star.connect()
      return { peer, listed: await peer.join(identity, star.prefix) }
    })
  )
  await settleAll(newcomers.map(({ peer }) => peer))
  const all = addressesOf([...peers, ...newcomers.map(({ peer }) => peer)])
  for (const { peer, listed } of newcomers) {
    const heard = new Set([...listed, ...peer.announced])
    expect(heard).toEqual(new Set(all.filter((address) => address !== peer.address)))
  }
})

test('the answer to a join lists so many others at most, the newest first', async () => {
  const star = await openStar({ discovery: { joinList: 10 } })
  await joinMany(star, MANY)
  const identities = await createIdentities(14)
  const [first, last] = [identities.shift() as Identity, identities.pop() as Identity]
  for (const identity of [first, ...identities, first]) {
    // In turn; and whoever joins anew, from another connection, is the newest again.
    await (await star.connect(NONE)).join(identity, star.prefix)
  }
  const listed = await (await star.connect()).join(last, star.prefix)
  expect(listed).toEqual([first, ...identities.toReversed()].slice(0, 10).map(({ id }) => `${star.prefix}/ipfs/${id}`))
})

test('where newcomers wait for each other, clients that hear of changes know them all the same', async () => {
  const star = await openStar()
  const crowd = await joinMany(star, MANY)
  const [listener, newcomers] = [await star.join(DELTAS), await joinMany(star, 20, DELTAS)]
  for (const peer of [listener, ...newcomers]) {
    const others = addressesOf([...crowd, listener, ...newcomers]).filter((address) => address !== peer.address)
    await untilKnown(
      peer,
      others.map((address) => canonical(address))
    )
  }
})
