/**
 * What Redis runs for the nodes of a star, each script in one piece. `KEYS` are those of {@link SCRIPT_KEYS}, `ARGV[1]` is
 * the prefix of the sets of nodes' peers.
 */
import type { StarKeys } from './keys.js'

/** The order in which all scripts have their keys. */
export const SCRIPT_KEYS = [
  'nodes',
  'turns',
  'dead',
  'registry',
  'generation',
  'sequence',
  'feed',
  'epoch',
  'guard'
] as const satisfies readonly (keyof StarKeys)[]

/** Changes that the feed keeps at least: who is further behind takes a snapshot. */
const FEED_LENGTH = 10_000
/** How far ahead the sequence is put when changes were lost, so that it is beyond what any node has seen. */
const LEAP = 1_000_000

/** Leases and what is removed are small: they need no memory that is not there. */
const HEADER = '#!lua flags=allow-oom\n'

/**
 * Numbers beyond 10^14 have to be written by `whole`. `changes` tells of changes, one a line:
 * `+key⇥node|generation|address` joined, `-key⇥node|generation` left, `xnode` a node is gone.
 */
const COMMON = `
local NODES, TURNS, DEAD, REGISTRY, GENERATION, SEQUENCE, FEED, EPOCH, GUARD = unpack(KEYS)
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
  local holder, generation, address = string.match(record, '^([^|]+)|(%d+)|(.*)$')
  return holder, tonumber(generation), address
end

local function changes(lines)
  if #lines == 0 then return count(SEQUENCE) end
  local sequence = redis.call('INCRBY', SEQUENCE, #lines)
  local entry = { 'XADD', FEED, 'MINID', '~', whole(math.max(0, sequence - ${FEED_LENGTH})), whole(sequence) .. '-0',
    'c', table.concat(lines, '\\n') }
  local added = redis.pcall(unpack(entry))
  if type(added) == 'table' and added.err then
    -- entries that are none of ours stand in the way: begin anew, and let all nodes look
    redis.call('DEL', FEED)
    redis.call('SET', EPOCH, 'feed-' .. whole(micros()))
    redis.call(unpack(entry))
  end
  return sequence
end

-- removes peers of a node without a lease; returns whether some may be left
local function clean(node, limit, lines)
  local keys = redis.call('SPOP', OWN .. node, limit)
  if #keys > 0 then
    local gone = {}
    for n, record in ipairs(redis.call('HMGET', REGISTRY, unpack(keys))) do
      local holder, generation = parse(record)
      if holder == node then
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
  redis.call('HDEL', TURNS, node)
  redis.call('SADD', DEAD, node)
  lines[#lines + 1] = 'x' .. node
end

-- what a node hears with its lease; changes it has seen and Redis has not were lost
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
 * Takes a lease, and begins a row of batches that are numbered after `turn`. Those that were sent before are not taken any
 * more, wherever they are stuck.
 *
 * `ARGV`: node, turn, TTL in milliseconds, last change seen, another epoch. Returns `[epoch, sequence, nodes]`, or nil if
 * a later turn is known.
 */
const REGISTER = `${HEADER}${COMMON}
local node, turn = ARGV[2], tonumber(ARGV[3])
if turn <= (tonumber(redis.call('HGET', TURNS, node)) or -1) then return false end
redis.call('HSET', TURNS, node, ARGV[3])
redis.call('ZADD', NODES, millis() + ARGV[4], node)
redis.call('SREM', DEAD, node)
return state(tonumber(ARGV[5]), ARGV[6])
`

/** `ARGV`: node, TTL, last change seen, another epoch. Returns as `register` does, or nil if there is no lease. */
const RENEW = `${HEADER}${COMMON}
local node = ARGV[2]
if not redis.call('ZSCORE', NODES, node) then return false end
redis.call('ZADD', NODES, millis() + ARGV[3], node)
return state(tonumber(ARGV[4]), ARGV[5])
`

/**
 * Makes a batch of changes of one node, no two of them for one peer.
 *
 * `ARGV`: node, turn, then for each change: kind, key, address. Kinds:
 * - `c` claims; `a` claims if no other node holds the peer; with `+`, what this node holds under that address is kept
 * - `s<generation>` had the peer: writes that again unless a newer claim is known
 * - `r` releases
 *
 * Returns `[sequence, generations, held]`: a generation for each change, separated by spaces, 0 if another node holds the
 * peer; and those peers and their records by turns. Or nil if it is not this batch's turn, or the node has no lease.
 */
const APPLY = `${COMMON}
local node, turn = ARGV[2], tonumber(ARGV[3])
if not redis.call('ZSCORE', NODES, node) then return false end
if tonumber(redis.call('HGET', TURNS, node)) ~= turn - 1 then return false end
redis.call('HSET', TURNS, node, ARGV[3])

local keys = {}
for i = 5, #ARGV, 3 do keys[#keys + 1] = ARGV[i] end
local records = redis.call('HMGET', REGISTRY, unpack(keys))
local time, last = micros(), count(GENERATION)
local first = last
local lines, results, held, written, released, owned, disowned = {}, {}, {}, {}, {}, {}, {}

local function write(key, address, generation, holder)
  if holder and holder ~= node then redis.call('SREM', OWN .. holder, key) end
  local record = node .. '|' .. whole(generation) .. '|' .. address
  written[#written + 1] = key
  written[#written + 1] = record
  lines[#lines + 1] = '+' .. key .. '\\t' .. record
  return generation
end

local function claim(key, address, holder)
  last = math.max(last + 1, time)
  return write(key, address, last, holder)
end

for n, key in ipairs(keys) do
  local kind, address = ARGV[n * 3 + 1], ARGV[n * 3 + 3]
  local holder, generation, known = parse(records[n])
  local is_own = holder == node
  local is_kept = is_own and known == address
  local result = 0
  if kind == 'r' then
    if is_own then
      released[#released + 1] = key
      lines[#lines + 1] = '-' .. key .. '\\t' .. node .. '|' .. whole(generation)
    end
  elseif kind == 'c' then result = claim(key, address, holder)
  elseif kind == 'c+' then result = is_kept and generation or claim(key, address, holder)
  elseif kind == 'a' or kind == 'a+' then
    if is_kept and kind == 'a+' then result = generation
    elseif is_own or not holder then result = claim(key, address, holder) end
  else
    local had = tonumber(string.sub(kind, 2))
    last = math.max(last, had)
    if not holder or generation < had then result = write(key, address, had, holder)
    elseif is_kept then result = generation
    elseif is_own then result = claim(key, address, holder) end
  end
  results[n] = whole(result)
  if result == 0 and kind ~= 'r' then
    held[#held + 1] = key
    held[#held + 1] = records[n]
  end
  local set = result > 0 and owned or disowned
  set[#set + 1] = key
end

if #written > 0 then redis.call('HSET', REGISTRY, unpack(written)) end
if #released > 0 then redis.call('HDEL', REGISTRY, unpack(released)) end
if #owned > 0 then redis.call('SADD', OWN .. node, unpack(owned)) end
if #disowned > 0 then redis.call('SREM', OWN .. node, unpack(disowned)) end
if last > first then redis.call('SET', GENERATION, whole(last)) end
return { whole(changes(lines)), table.concat(results, ' '), held }
`

/**
 * Removes nodes whose lease has ended, and some of their peers. If nobody has looked for as long as half a lease then Redis
 * was paused, or all nodes were: no node loses its lease then before all could renew it.
 *
 * `ARGV`: TTL in milliseconds, peers to remove at most. Returns `[whether there may be more to do, nodes]`.
 */
const REAP = `${HEADER}${COMMON}
local ttl, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local now = millis()
local looked = tonumber(redis.call('HGET', GUARD, 'looked'))
if not looked or now - looked > ttl / 2 or now < looked then
  redis.call('HSET', GUARD, 'spared', whole(now + ttl))
  if looked and now < looked then
    -- the clock went back: leases by the old one would last too long
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

/** Gives up a lease, and some of the peers. `ARGV`: node, peers at most. Returns 1 if there may be more. */
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
