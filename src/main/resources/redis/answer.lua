-- Reads an answer.
--
-- KEYS: 1 answer
-- ARGV: none
-- Returns: {} when there is none, else {what is stored, milliseconds it lasts yet, now}
local stored = redis.call('GET', KEYS[1])
if not stored then return {} end
local clock = redis.call('TIME')
return {stored, math.max(0, redis.call('PTTL', KEYS[1])), clock[1] * 1000 + math.floor(clock[2] / 1000)}
