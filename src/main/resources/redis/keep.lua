-- Moves the keys' own expiry, which is only rubbish collection for what no sweeper ended, to two days
-- after the session's. Writes ask for it when less than one day is left, so it is rare.
--
-- KEYS: 1 session, 2 thread, 3 client ids, 4 changes, 5 waiting turns, 6 state, 7 checkpoints
-- ARGV: none
-- Returns: {1} when moved, {0} when there is no living session
local s = redis.call('HMGET', KEYS[1], 'e', 'g')
if not s[1] or s[2] then return {0} end
local k = s[1] + 172800000
redis.call('HSET', KEYS[1], 'k', string.format('%.0f', k))
for i = 1, #KEYS do redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', k)) end
return {1}
