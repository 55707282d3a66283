/**
 * Lua scripts that Redis runs atomically. `KEYS` are those of {@link SCRIPT_KEYS}; `ARGV[1]` is the prefix of the sets of
 * nodes' peers.
 */
import type { StarKeys } from './keys.js'

/** Order of `KEYS` in all scripts. */
export const SCRIPT_KEYS = [
  'nodes',
  'batches',
  'dead',
  'registry',
  'generation',
  'sequence',
  'feed',
  'epoch',
  'guard'
] as const satisfies readonly (keyof StarKeys)[]

/** Minimum of changes in the feed. Nodes that are further behind take a snapshot. */
const FEED_LENGTH = 10_000
/** Number added to the sequence after changes were lost, so that the sequence exceeds all numbers that nodes have seen. */
const LEAP = 1_000_000

/** These scripts may run when Redis is out of memory: they write little, or delete. */
const HEADER = '#!lua flags=allow-oom\n'

/**
 * `whole` formats integers: Lua writes those beyond 10^14 with an exponent. `changes` appends changes to the feed, one per
 * line: `+key⇥node|generation|address` joined, `-key⇥node|generation` left, `xnode` a node is gone.
 */
const COMMON = `
local NODES, BATCHES, DEAD, REGISTRY, GENERATION, SEQUENCE, FEED, EPOCH, GUARD = unpack(KEYS)
local OWN = ARGV[1]

local function whole(number) return string.format('%.0f', number) end

local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function millis() return math.floor(micros() / 1000) end

local function count(key) return tonumber(redis.call('GET', key) or 0) or 0 end

local function parse(record)
  if not record then return nil end
  local owner, generation, address = string.match(record, '^([^|]+)|(%d+)|(.*)$')
  return owner, tonumber(generation), address
end

local function changes(lines)
  if #lines == 0 then return count(SEQUENCE) end
  local sequence = redis.call('INCRBY', SEQUENCE, #lines)
  local entry = { 'XADD', FEED, 'MINID', '~', whole(math.max(0, sequence - ${FEED_LENGTH})), whole(sequence) .. '-0',
    'c', table.concat(lines, '\\n') }
  local added = redis.pcall(unpack(entry))
  if type(added) == 'table' and added.err then
    -- foreign entries block the id: clear the feed, and let all nodes register again
    redis.call('DEL', FEED)
    redis.call('SET', EPOCH, 'feed-' .. whole(micros()))
    redis.call(unpack(entry))
  end
  return sequence
end

-- removes peers of an expired node; returns whether some may be left
local function clean(node, limit, lines)
  local keys = redis.call('SPOP', OWN .. node, limit)
  if #keys > 0 then
    local gone = {}
    for n, record in ipairs(redis.call('HMGET', REGISTRY, unpack(keys))) do
      local owner, generation = parse(record)
      if owner == node then
        gone[#gone + 1] = keys[n]
        lines[#lines + 1] = '-' .. keys[n] .. '\\t' .. node .. '|' .. whole(generation)
      end
    end
    if #gone > 0 then redis.call('HDEL', REGISTRY, unpack(gone)) end
  end
  if #keys == limit then return true end
  redis.call('SREM', DEAD, node)
  return false
end

local function forget(node, lines)
  if redis.call('ZREM', NODES, node) == 0 then return end
  redis.call('HDEL', BATCHES, node)
  redis.call('SADD', DEAD, node)
  lines[#lines + 1] = 'x' .. node
end

-- the reply to a lease; if the node has seen changes that Redis lacks, these were lost
local function state(seen, epoch)
  local sequence = count(SEQUENCE)
  if seen > sequence then
    sequence = seen + ${LEAP}
    redis.call('SET', SEQUENCE, whole(sequence))
    redis.call('SET', EPOCH, epoch)
  else
    redis.call('SET', EPOCH, epoch, 'NX')
  end
  return { redis.call('GET', EPOCH), whole(sequence), redis.call('ZRANGE', NODES, 0, -1) }
end
`

/**
 * Takes a lease. From now on, batches with numbers up to `batch` are refused.
 *
 * `ARGV`: node, batch, TTL in milliseconds, last change seen, new epoch. Returns `[epoch, sequence, nodes]`, or nil if a
 * later batch is known.
 */
const REGISTER = `${HEADER}${COMMON}
local node, batch = ARGV[2], tonumber(ARGV[3])
if batch <= (tonumber(redis.call('HGET', BATCHES, node)) or -1) then return false end
redis.call('HSET', BATCHES, node, ARGV[3])
redis.call('ZADD', NODES, millis() + ARGV[4], node)
redis.call('SREM', DEAD, node)
return state(tonumber(ARGV[5]), ARGV[6])
`

/** Renews a lease. `ARGV`: node, TTL, last change seen, new epoch. Returns what `REGISTER` returns, or nil without a lease. */
const RENEW = `${HEADER}${COMMON}
local node = ARGV[2]
if not redis.call('ZSCORE', NODES, node) then return false end
redis.call('ZADD', NODES, millis() + ARGV[3], node)
return state(tonumber(ARGV[4]), ARGV[5])
`

/**
 * Applies a batch of changes of one node, at most one per peer.
 *
 * `ARGV`: node, batch, then for each change: kind, key, address. Kinds:
 * - `c` claims; `a` claims if no other node owns the peer. After either, `+` keeps an existing claim of this node to that address
 * - `s<generation>` restores an earlier claim, unless a newer claim is known
 * - `r` releases
 *
 * Returns `[sequence, generations, lost]`. `generations` has one generation per change, separated by spaces: 0 if another node
 * owns the peer. `lost` alternates the keys and records of these peers. Returns nil without a lease, or if the batch before this
 * one is missing.
 */
const APPLY = `${COMMON}
local node, batch = ARGV[2], tonumber(ARGV[3])
if not redis.call('ZSCORE', NODES, node) then return false end
if tonumber(redis.call('HGET', BATCHES, node)) ~= batch - 1 then return false end
redis.call('HSET', BATCHES, node, ARGV[3])

local keys = {}
for i = 5, #ARGV, 3 do keys[#keys + 1] = ARGV[i] end
local records = redis.call('HMGET', REGISTRY, unpack(keys))
local time, last = micros(), count(GENERATION)
local first = last
local lines, results, lost, written, released, owned, disowned = {}, {}, {}, {}, {}, {}, {}

local function write(key, address, generation, owner)
  if owner and owner ~= node then redis.call('SREM', OWN .. owner, key) end
  local record = node .. '|' .. whole(generation) .. '|' .. address
  written[#written + 1] = key
  written[#written + 1] = record
  lines[#lines + 1] = '+' .. key .. '\\t' .. record
  return generation
end

local function claim(key, address, owner)
  last = math.max(last + 1, time)
  return write(key, address, last, owner)
end

for n, key in ipairs(keys) do
  local kind, address = ARGV[n * 3 + 1], ARGV[n * 3 + 3]
  local owner, generation, known = parse(records[n])
  local is_own = owner == node
  local is_kept = is_own and known == address
  local result = 0
  if kind == 'r' then
    if is_own then
      released[#released + 1] = key
      lines[#lines + 1] = '-' .. key .. '\\t' .. node .. '|' .. whole(generation)
    end
  elseif kind == 'c' then result = claim(key, address, owner)
  elseif kind == 'c+' then result = is_kept and generation or claim(key, address, owner)
  elseif kind == 'a' or kind == 'a+' then
    if is_kept and kind == 'a+' then result = generation
    elseif is_own or not owner then result = claim(key, address, owner) end
  else
    local had = tonumber(string.sub(kind, 2))
    last = math.max(last, had)
    if not owner or generation < had then result = write(key, address, had, owner)
    elseif is_kept then result = generation
    elseif is_own then result = claim(key, address, owner) end
  end
  results[n] = whole(result)
  if result == 0 and kind ~= 'r' then
    lost[#lost + 1] = key
    lost[#lost + 1] = records[n]
  end
  local set = result > 0 and owned or disowned
  set[#set + 1] = key
end

if #written > 0 then redis.call('HSET', REGISTRY, unpack(written)) end
if #released > 0 then redis.call('HDEL', REGISTRY, unpack(released)) end
if #owned > 0 then redis.call('SADD', OWN .. node, unpack(owned)) end
if #disowned > 0 then redis.call('SREM', OWN .. node, unpack(disowned)) end
if last > first then redis.call('SET', GENERATION, whole(last)) end
return { whole(changes(lines)), table.concat(results, ' '), lost }
`

/**
 * Removes nodes whose lease has expired, and some of the peers of these nodes. If this script did not run for half a lease, Redis
 * or all nodes were paused. Then no node is removed until all could renew their leases.
 *
 * `ARGV`: TTL in milliseconds, maximum of peers to remove. Returns `[whether more may remain, nodes with a lease]`.
 */
const REAP = `${HEADER}${COMMON}
local ttl, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local now = millis()
local looked = tonumber(redis.call('HGET', GUARD, 'looked'))
if not looked or now - looked > ttl / 2 or now < looked then
  redis.call('HSET', GUARD, 'spared', whole(now + ttl))
  if looked and now < looked then
    -- the clock went back: leases by the old clock would last too long
    for _, node in ipairs(redis.call('ZRANGE', NODES, 0, -1)) do redis.call('ZADD', NODES, now + ttl, node) end
  end
end
redis.call('HSET', GUARD, 'looked', whole(now))

local lines = {}
if now >= (tonumber(redis.call('HGET', GUARD, 'spared')) or 0) then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', NODES, '-inf', now)) do forget(node, lines) end
end
local dead = redis.call('SRANDMEMBER', DEAD)
local more = dead and (clean(dead, limit, lines) or redis.call('SCARD', DEAD) > 0)
changes(lines)
return { more and 1 or 0, redis.call('ZRANGE', NODES, 0, -1) }
`

/** Gives up a lease, and removes some of the node's peers. `ARGV`: node, maximum of peers. Returns 1 if peers may remain. */
const LEAVE = `${HEADER}${COMMON}
local node, lines = ARGV[2], {}
forget(node, lines)
local more = clean(node, tonumber(ARGV[3]), lines)
changes(lines)
return more and 1 or 0
`

export const SCRIPTS = {
  starRegister: REGISTER,
  starRenew: RENEW,
  starApply: APPLY,
  starReap: REAP,
  starLeave: LEAVE
} as const

export type ScriptName = keyof typeof SCRIPTS
