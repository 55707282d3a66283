import { formatBytes, formatDuration } from '../shared/format.js'
import { canSaveToDisk, chooseDiskTarget } from './file-target.js'
import type { Playground } from './playground.js'
import type { Transfer } from './transfer.js'

export interface TransferRowProps {
  playground: Playground
  peerId: string
  peerName: string
  transfer: Transfer
}

export function TransferRow({ playground, peerId, peerName, transfer }: TransferRowProps) {
  const { name, size, bytes, state } = transfer
  const isStalled = transfer.isPaused || transfer.isStalled(performance.now())
  const tone = isStalled ? 'paused' : state === 'failed' || state === 'refused' || state === 'stopped' ? 'bad' : ''
  const share = size === 0 ? 1 : bytes / size
  return (
    <div class="transfer" data-state={state} data-stalled={isStalled ? '' : undefined} data-tone={tone}>
      <p class="transfer-name">
        <strong>{name}</strong> <span class="label">{formatBytes(size)}</span>
      </p>
      {(state === 'running' || state === 'sent') && (
        <progress max={1} value={share} aria-label={`${name}: ${transfer.isOwn ? 'sent' : 'received'}`} />
      )}
      <p class="transfer-line label">{lineOf(transfer, peerName, isStalled)}</p>
      <Actions playground={playground} peerId={peerId} transfer={transfer} />
    </div>
  )
}

function lineOf(transfer: Transfer, peerName: string, isStalled: boolean): string {
  const { state, isOwn, bytes, size, rate, remaining, problem } = transfer
  switch (state) {
    case 'offered':
      return isOwn ? `Waiting for ${peerName} to accept` : `${peerName} offers you this file`
    case 'running': {
      const part = `${formatBytes(bytes)} of ${formatBytes(size)}`
      if (transfer.isPaused) return `${part}: paused by you`
      if (isStalled) return isOwn ? `${part}: paused, ${peerName} is not reading` : `${part}: waiting for ${peerName}`
      return `${part}, ${formatBytes(rate)}/s${remaining === undefined ? '' : `, ${formatDuration(remaining)} left`}`
    }
    case 'sent':
      return `All sent, ${peerName} is reading the rest`
    case 'done':
      return isOwn ? `Received by ${peerName}` : transfer.isSaved ? 'Saved' : 'Received'
    case 'refused':
      return isOwn ? `Refused by ${peerName}` : 'Refused'
    case 'stopped':
      return `Stopped${problem === '' ? '' : ` ${problem}`} after ${formatBytes(bytes)}`
    case 'failed':
      return `Failed after ${formatBytes(bytes)}: ${problem}`
  }
}

function Actions({ playground, peerId, transfer }: Omit<TransferRowProps, 'peerName'>) {
  const { state, isOwn, file, url, name } = transfer
  const saveTo = async (): Promise<void> => {
    const target = await chooseDiskTarget(name)
    if (target !== undefined) await playground.answer(peerId, transfer, target)
  }
  const stop = (
    <button type="button" class="quiet" onClick={() => void playground.stop(peerId, transfer)}>
      {state === 'offered' ? 'Cancel' : 'Stop'}
    </button>
  )
  return (
    <p class="row">
      {state === 'offered' && !isOwn && (
        <>
          <button type="button" class="main" onClick={() => void playground.accept(peerId, transfer)}>
            Accept
          </button>
          {canSaveToDisk() && (
            <button type="button" onClick={() => void saveTo()}>
              Save to disk…
            </button>
          )}
          <button type="button" onClick={() => void playground.answer(peerId, transfer, undefined)}>
            Refuse
          </button>
        </>
      )}
      {(state === 'offered' || state === 'running') && isOwn && stop}
      {state === 'running' && !isOwn && (
        <>
          <button
            type="button"
            class="quiet"
            aria-pressed={transfer.isPaused}
            onClick={() => playground.setPaused(transfer, !transfer.isPaused)}
          >
            {transfer.isPaused ? 'Resume' : 'Pause'}
          </button>
          {stop}
        </>
      )}
      {url !== undefined && (
        <a class="save" href={url} download={name}>
          Save {name}
        </a>
      )}
      {file !== undefined && (state === 'failed' || state === 'stopped') && (
        <button type="button" class="quiet" onClick={() => void playground.offer(peerId, file)}>
          Offer again
        </button>
      )}
    </p>
  )
}
