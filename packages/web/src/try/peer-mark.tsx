import { hueOf } from '../shared/peer-name.js'

const CENTRE = 12
const REACH = 9

export function PeerMark({ peerId }: { peerId: string }) {
  const codes = Array.from(peerId.slice(-9), (char) => char.charCodeAt(0))
  const count = 4 + ((codes[0] ?? 0) % 4)
  const turn = ((codes[1] ?? 0) % 60) * 6
  const points = Array.from({ length: count }, (_, index) => {
    const angle = ((turn + (360 / count) * index + ((codes[index + 2] ?? 0) % 24)) * Math.PI) / 180
    const reach = REACH - ((codes[index + 1] ?? 0) % 4)
    return [CENTRE + Math.cos(angle) * reach, CENTRE + Math.sin(angle) * reach] as const
  })
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" style={{ '--hue': String(hueOf(peerId)) }}>
      <path d={points.map(([x, y]) => `M12 12L${x.toFixed(1)} ${y.toFixed(1)}`).join('')} />
      {points.map(([x, y]) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r="2" />
      ))}
      <circle cx="12" cy="12" r="3" />
    </svg>
  )
}
