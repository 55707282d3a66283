import type { Discovery } from './discovery.js'
import type { Holder, Registry } from './registry.js'

/**
 * Asks the holder of an address whether it is there, and takes the address from it if it does not answer. Should it be
 * there after all, the join deadline makes it connect anew.
 *
 * @param timeout - milliseconds to wait
 * @returns whether it holds the address still
 */
export async function keepIfAlive(
  registry: Registry,
  discovery: Discovery,
  holder: Holder,
  timeout: number
): Promise<boolean> {
  const alive = await holder.member.session.probe(timeout)
  const isHeld = registry.get(holder.address)?.holders.includes(holder) ?? false
  if (!alive && isHeld) {
    registry.release(holder.member, holder.address)
    discovery.refresh(holder.member)
  }
  return alive && isHeld
}
