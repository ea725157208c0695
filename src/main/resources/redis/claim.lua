-- Makes whoever is at the head of Redisson's line the session's holder, until Redisson's lease ends.
--
-- KEYS: 1 session, 2 Redisson's lock
-- ARGV: 1 owner the session must have ('' for any), 2 Redisson's name of this holder, 3 random part of
--   the token
-- Returns: {1, token, fence, until, now} | {0, code} | {0, 'session-locked', until, now} by a client
--   | {0, 'stale-fence'} when Redisson's lock is not this holder's any more
-- #include part-alive
local lease = redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 and redis.call('PTTL', KEYS[2]) or 0
if lease <= 0 then return {0, 'stale-fence'} end
-- Another update's claim is replaced: it has lost Redisson's lock, which names this one now.
if token and s[3] == 'c' then return {0, 'session-locked', ends, now} end
local fence = redis.call('HINCRBY', KEYS[1], 'f', 1)
token = string.format('%d', fence) .. '-' .. ARGV[3]
if over then redis.call('HDEL', KEYS[1], 'y') end
redis.call('HSET', KEYS[1], 'o', 'u')
hold(now + lease, token)
return {1, token, fence, now + lease, now}
