import { setTimeout as delay } from 'node:timers/promises'
import { openMeetingPlace } from '../end-to-end/meeting-place.js'
import type { PageTrial } from './cases.js'
import { PAGE_PEERS } from './contenders.js'
import { openStage } from './stage.js'

export interface PageTransferCase {
  kind: 'transfer'
  /** Bytes of each write. */
  size: number
}

export interface PageTransferFigures {
  /** As the receiving page counts bytes and time. */
  megabytesPerSecond: number
  /** In seconds per 10⁹ bytes. */
  serverCpu: number
}

const MICROSECONDS = 1e6
const GB = 1e9

/** A page writes as fast as its library lets it, another one, of the same browser, reads. */
export async function measurePageTransfer(
  { size }: PageTransferCase,
  { contender, warmup, seconds, profiles }: Omit<PageTrial, 'case'>
): Promise<PageTransferFigures> {
  const { library } = PAGE_PEERS[contender]
  const [place, stage] = await Promise.all([openMeetingPlace(PAGE_PEERS[contender], profiles), openStage()])
  const openPeer = async () => {
    const page = await stage.open()
    return { page, address: await page.call('open', { library, server: place.server, size }) }
  }
  const { page: receiver, address } = await openPeer()
  const { page: sender } = await openPeer()
  // The server is asked when the page has answered: a busy page may take a while to look at the question.
  const snapshot = async () => ({ receiver: await receiver.call('report'), server: await place.usage() })

  await receiver.call('receive')
  await sender.call('dial', address)
  await sender.call('send')
  await delay(warmup * 1000)
  const before = await snapshot()
  await delay(seconds * 1000)
  const after = await snapshot()
  const [sent, received] = await Promise.all([sender.call('stop'), receiver.call('ended')])
  if (sent.bytes !== received.bytes) throw new Error(`${sent.bytes} bytes were sent, ${received.bytes} arrived`)
  await stage.close()
  await place.stop()

  const bytes = after.receiver.bytes - before.receiver.bytes
  if (bytes === 0) throw new Error('nothing arrived while it was measured')
  return {
    megabytesPerSecond: bytes / (after.receiver.at - before.receiver.at) / 1000,
    serverCpu: ((after.server.cpu - before.server.cpu) / MICROSECONDS) * (GB / bytes)
  }
}
