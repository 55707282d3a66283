import type { Trial } from '../../harness/measure.js'
import { openMeetingPlace } from '../end-to-end/meeting-place.js'
import { cpuPerGB, runTransfer } from '../end-to-end/transfer.js'
import { openStage, type PageContender } from './stage.js'

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

/** A page writes as fast as its library lets it, another one, of the same browser, reads. */
export async function measurePageTransfer(
  { size }: PageTransferCase,
  { contender, profiles, ...conditions }: Trial<PageContender>
): Promise<PageTransferFigures> {
  const [place, stage] = await Promise.all([openMeetingPlace(contender, profiles), openStage()])
  const openPeer = async () => {
    const page = await stage.open()
    await page.call('open', { library: contender.library, server: place.server, size })
    return page
  }
  const [receiver, sender] = [await openPeer(), await openPeer()]
  await receiver.call('receive')
  await sender.call('dial', await receiver.call('address'))
  const stop = async () => {
    await stage.close()
    await place.stop()
  }
  const { bytes, milliseconds, before, after } = await runTransfer(
    { server: place, sender, receiver, stop },
    conditions
  )
  return {
    megabytesPerSecond: bytes / milliseconds / 1000,
    serverCpu: cpuPerGB(after.server.cpu - before.server.cpu, bytes)
  }
}
