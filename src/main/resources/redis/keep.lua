-- Moves the keys' own expiry, which is only rubbish collection for what no sweeper ended, to two days
-- after the session's. For what a write could not move by itself: see part-keep.
--
-- KEYS: 1 session, 2 thread, 3 client ids, 4 changes, 5 state, 6 checkpoints
-- ARGV: none
-- Returns: {1} when moved, {0} when there is no living session
local p = redis.call('HGET', KEYS[1], 'p')
if not p then return {0} end
local head, e, middle, rest = string.match(p, '^(%S+ %d+ %d+ %d+ %d+ )(%d+)( %d+ %d+ %S+ )%d+( .*)$')
local k = string.format('%d', e + 172800000)
for i = 1, #KEYS do redis.call('PEXPIREAT', KEYS[i], k) end
redis.call('HSET', KEYS[1], 'p', head .. e .. middle .. k .. rest)
return {1}
