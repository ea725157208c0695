-- Makes whoever is at the head of Redisson's line the session's holder, until Redisson's lease ends.
-- KEYS: session, lock (Redisson's)
-- ARGV: owner ('' for any), name (Redisson's of this holder), random (part of the token)
-- Returns: {1, token, fence, until, now} | {0, code} | {0, 'session-locked', until, now} by a client
--   | {0, 'stale-fence'} when Redisson's lock is not this holder's any more
local call, format = redis.call, string.format
local key_session, key_lock = unpack(KEYS)
local owner, name, random = unpack(ARGV)
-- #include lock
local lease = call('HEXISTS', key_lock, name) == 1 and call('PTTL', key_lock) or 0
if lease <= 0 then return {0, 'stale-fence'} end
-- Another update's claim is replaced: it has lost Redisson's lock, which names this one now.
if token and kind == 'c' then return {0, 'session-locked', ends, now} end
fence = call('HINCRBY', key_session, 'f', 1)
token = format('%d', fence) .. '-' .. random
if over then call('HDEL', key_session, 'y') end
call('HSET', key_session, 'o', 'u')
hold(now + lease, token)
return {1, token, fence, now + lease, now}
