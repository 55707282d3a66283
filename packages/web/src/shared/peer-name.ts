// 512 names: enough to tell a few dozen peers apart at a glance. Only the peer id identifies a peer.
/** Names with their hues, in degrees of OKLCH. */
const COLOURS = [
  ['Amber', 72],
  ['Azure', 240],
  ['Cobalt', 262],
  ['Copper', 50],
  ['Coral', 32],
  ['Crimson', 18],
  ['Golden', 90],
  ['Indigo', 280],
  ['Jade', 160],
  ['Lilac', 318],
  ['Mossy', 128],
  ['Olive', 110],
  ['Rosy', 5],
  ['Russet', 40],
  ['Teal', 190],
  ['Violet', 300]
] as const
const CREATURES =
  'Adder Badger Bison Crane Dormouse Eagle Falcon Finch Gecko Heron Ibex Jackdaw Kestrel Lynx Marten Mole Newt Ocelot Osprey Otter Owl Petrel Plover Quail Raven Robin Seal Stoat Swift Tern Vole Wren'.split(
    ' '
  )

/** Derives a readable name from a peer id: the same in every tab. */
export function nameOf(peerId: string): string {
  const hash = hashOf(peerId)
  return `${colourOf(hash)[0]} ${CREATURES[(hash >>> 8) % CREATURES.length]}`
}

export function hueOf(peerId: string): number {
  return colourOf(hashOf(peerId))[1]
}

/** Returns the end of a peer id: the beginnings are alike. */
export function shortId(peerId: string): string {
  return peerId.length > 14 ? `…${peerId.slice(-8)}` : peerId
}

function colourOf(hash: number): (typeof COLOURS)[number] {
  return COLOURS[hash % COLOURS.length] ?? COLOURS[0]
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
