-- Keeps an answer in the place of what was there, and ends the claim of whoever computes it.
--
-- KEYS: 1 answer, 2 claim
-- ARGV: 1 content type, 2 milliseconds it lasts, 3 body
-- Returns: {1 if there was one, else 0; now; bytes of the one before; milliseconds it had left}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local before = redis.call('EXISTS', KEYS[1])
local bytes, left = redis.call('STRLEN', KEYS[1]), redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f', now) .. ' ' .. ARGV[1] .. '\n' .. ARGV[3], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
return {before, now, bytes, left}
