-- Removes an answer, and ends the claim of whoever computes it.
--
-- KEYS: 1 answer, 2 claim
-- ARGV: none
-- Returns: {1 if there was one, else 0; now; bytes it had; milliseconds it had left}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local bytes, left = redis.call('STRLEN', KEYS[1]), redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[2])
return {redis.call('DEL', KEYS[1]), now, bytes, left}
